"""Expressions over a task's due date, which is a day or an instant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Coalesce

from core.time_zones import NextDay, StartOfDay

# No time zone is more than 14 hours ahead of UTC.
STARTS_BEFORE_DUE = Q(start_date=None) | (
    (Q(due_date=None) | Q(due_date__gte=F("start_date")))
    & (Q(due_at=None) | Q(due_at__gte=StartOfDay("start_date", "UTC") - timedelta(hours=14)))
)


def due_instant(zone: Any) -> Coalesce:
    """Return when a task becomes overdue: at its instant, or when its day ends in the time zone."""
    return Coalesce("due_at", StartOfDay(NextDay("due_date"), zone))
