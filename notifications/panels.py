"""Panel of the operations page about outgoing emails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Count, Min, Q
from django.utils.translation import gettext

from core.db import database_now
from core.status_panels import Action, Figure, Panel, format_age, judge, register_panel
from notifications import jobs
from notifications.email import services as email_services
from notifications.models import OutgoingEmail

# Failed emails of one action; more need another.
MAX_EMAILS = 1000
State = OutgoingEmail.State


def email_figures() -> Sequence[Figure]:
    """Return emails that wait, that were sent in the last hour, and that failed."""
    now = database_now()
    due = OutgoingEmail.objects.queued().filter(next_attempt_at__lte=now)
    waiting = due.aggregate(count=Count("pk"), oldest=Min("next_attempt_at"))
    recent = OutgoingEmail.objects.filter(Q(state=State.DEAD) | Q(sent_at__gt=now - timedelta(hours=1)))
    counts = recent.aggregate(
        sent=Count("pk", filter=Q(state=State.SENT)), dead=Count("pk", filter=Q(state=State.DEAD))
    )
    age = max(0.0, (now - waiting["oldest"]).total_seconds()) if waiting["oldest"] else 0.0
    error = OutgoingEmail.objects.filter(state=State.DEAD).order_by("-id").values_list("last_error", flat=True).first()
    return [
        Figure(
            "Due", f"{waiting['count']:,}", judge(age, warn=60, bad=600), f"oldest: {format_age(age)}" if age else ""
        ),
        Figure(gettext("Sent in the last hour"), f"{counts['sent']:,}"),
        Figure("Failed", f"{counts['dead']:,}", "bad" if counts["dead"] else "ok", (error or "")[:120]),
    ]


def retry_failed() -> int:
    """Queue failed emails again; return how many."""
    dead = OutgoingEmail.objects.filter(state=State.DEAD).order_by("id").values_list("pk", flat=True)[:MAX_EMAILS]
    queued = email_services.requeue(email_ids=dead, now=database_now())
    jobs.enqueue_emails(queued)
    return len(queued)


def register_panels() -> None:
    """Add this panel to the operations page."""
    register_panel(
        Panel(
            "email",
            "Email",
            gettext("Emails that are due for minutes, and failed ones: the mail server refuses them or is away."),
            "email",
            email_figures,
            (Action("retry", gettext("Retry failed emails"), retry_failed),),
        )
    )
