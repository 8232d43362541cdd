"""The health check of the event queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from events.models import Delivery, Event

LATE_AFTER = timedelta(minutes=1)


def check_queue() -> dict[str, Any]:
    """Count events the relay has not sequenced, deliveries that are overdue, and dead letters."""
    return {
        "waiting": Event.objects.filter(position=None).count(),
        "late": Delivery.objects.due(timezone.now() - LATE_AFTER).count(),
        "dead": Delivery.objects.filter(state=Delivery.State.DEAD).count(),
    }
