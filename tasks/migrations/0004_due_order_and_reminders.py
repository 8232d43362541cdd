"""One order of days and instants, a start that is not after the due date, and reminders for each assignee."""

from datetime import timedelta

import django.db.models.expressions
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models

import core.time_zones

REPAIR_STARTS = """
UPDATE tasks_task SET start_date = coalesce(due_date, (due_at AT TIME ZONE 'UTC')::date)
WHERE start_date > due_date OR due_at < start_date::timestamp AT TIME ZONE 'UTC' - interval '14 hours'
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("tasks", "0003_title_is_not_blank")]

    operations = [
        migrations.AddField(
            model_name="taskassignee",
            name="reminded_of",
            field=models.DateField(editable=False, help_text="The due date of the last reminder.", null=True),
        ),
        migrations.AlterField(
            model_name="task",
            name="due_date",
            field=models.DateField(blank=True, help_text="All day.", null=True),
        ),
        migrations.AlterField(
            model_name="task",
            name="due_at",
            field=models.DateTimeField(blank=True, help_text="Date and time.", null=True),
        ),
        RemoveIndexConcurrently("task", "task_state_due"),
        AddIndexConcurrently("task", models.Index(fields=["state", "due_date", "due_at", "id"], name="task_state_due")),
        migrations.RunSQL(REPAIR_STARTS, migrations.RunSQL.noop),
        AddConstraintNotValid(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("start_date", None),
                    models.Q(
                        models.Q(("due_date", None), ("due_date__gte", models.F("start_date")), _connector="OR"),
                        models.Q(
                            ("due_at", None),
                            (
                                "due_at__gte",
                                django.db.models.expressions.CombinedExpression(
                                    core.time_zones.StartOfDay("start_date", "UTC"),
                                    "-",
                                    models.Value(timedelta(hours=14)),
                                ),
                            ),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="a_task_starts_before_it_is_due",
            ),
        ),
        ValidateConstraint(model_name="task", name="a_task_starts_before_it_is_due"),
    ]
