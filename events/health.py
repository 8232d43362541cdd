"""The health check of the event queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from events.models import Delivery, Event

LATE_AFTER = timedelta(minutes=1)


def check_queue() -> dict[str, Any]:
    """Count waiting events, events that were set aside, late deliveries and dead letters."""
    return {
        "waiting": Event.objects.filter(position=None, append_error="").count(),
        "set_aside": Event.objects.exclude(append_error="").count(),
        "late": Delivery.objects.late(LATE_AFTER).count(),
        "dead": Delivery.objects.filter(state=Delivery.State.DEAD).count(),
    }
