"""The checks of 0002 and 0003, one transaction each: inbox and mail go on while the rows that are there are looked at."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations
from django.db.models import CheckConstraint, Q

from core.migration_operations import ReplaceCheckConstraint

KINDS = ["assigned", "mentioned", "commented", "due_soon", "shared", "added_to_project", "added_to_team"]
STATES = ["queued", "sending", "sent", "dead", "withdrawn"]
CHECKS = {
    "notification_kind_is_known": ("notification", Q(kind__in=KINDS)),
    "notification_is_about_a_task_a_project_or_a_team": (
        "notification",
        Q(project_id__isnull=False, team_id=None) | Q(task_id=None, project_id=None, team_id__isnull=False),
    ),
    "email_state_is_known": ("outgoingemail", Q(state__in=STATES)),
    "preference_kind_is_known": ("preference", Q(kind__in=KINDS)),
}


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("notifications", "0003_told_of_access")]
    operations = [
        *(
            ReplaceCheckConstraint(model, CheckConstraint(name=name, condition=rule))
            for name, (model, rule) in CHECKS.items()
        ),
        *(ValidateConstraint(model, name) for name, (model, _) in CHECKS.items()),
        ValidateConstraint("outgoingemail", "an_email_is_of_a_notification_or_about_an_account"),
    ]
