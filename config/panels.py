"""Panels of the operations page about Celery's queues and about sign-ins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext

from accounts.models import ApiKey, Session
from analytics.models import RequestStatistics
from config.queues import QUEUES
from core.db import database_now
from core.status_panels import Figure, Panel, format_age, judge, register_panel
from events.models import Event


def queue_figures() -> Sequence[Figure]:
    """Return how many jobs wait in each queue, and when a scheduled job ran last."""
    from config.celery import app  # late: the relay starts without Celery

    figures = []
    with app.connection_for_read(heartbeat=0) as broker:
        broker.ensure_connection(max_retries=1, timeout=1)
        channel: Any = broker.default_channel
        for queue in QUEUES:
            try:
                # Passive: a queue is counted, never made.
                waiting = channel.queue_declare(queue.name, passive=True).message_count
            except broker.channel_errors:
                waiting = 0
            figures.append(Figure(queue.name.capitalize(), f"{waiting:,}", judge(waiting, warn=500, bad=5000)))
    newest = RequestStatistics.objects.order_by("-start").values_list("start", flat=True).first()
    if newest:
        # A minute is stored up to two minutes after it began.
        age = (database_now() - newest).total_seconds()
        figures.append(
            Figure(
                gettext("Newest statistics"),
                format_age(age),
                judge(age, warn=300, bad=900),
                "stored by scheduler and worker",
            )
        )
    else:
        figures.append(
            Figure(gettext("Newest statistics"), "none yet", "warn", gettext("Are scheduler and worker running?"))
        )
    return figures


def sign_in_figures() -> Sequence[Figure]:
    """Return failed sign-ins, active sessions and API keys."""
    now = database_now()
    failed = Event.objects.filter(name="user.login_failed", occurred_at__gt=now - timedelta(hours=1)).count()
    keys = ApiKey.objects.filter(revoked_at=None)
    return [
        Figure(gettext("Failed sign-ins in the last hour"), f"{failed:,}", judge(failed, warn=50, bad=500)),
        Figure(
            gettext("Sessions used in the last day"),
            f"{Session.objects.filter(last_seen_at__gt=now - timedelta(days=1)).count():,}",
        ),
        Figure(
            gettext("API keys used in the last day"),
            f"{keys.filter(last_used_at__gt=now - timedelta(days=1)).count():,}",
        ),
    ]


def register_panels() -> None:
    """Add these panels to the operations page."""
    register_panel(
        Panel(
            "queues",
            "Jobs",
            gettext(
                "Queues that grow, and statistics older than five minutes: a worker or the scheduler does not run."
            ),
            "queues",
            queue_figures,
        )
    )
    register_panel(
        Panel(
            "sign-in", "Sign-in", gettext("Many failed sign-ins: somebody tries passwords."), "sign-in", sign_in_figures
        )
    )
