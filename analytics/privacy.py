"""What the numbers know about a person: days, and how much of what. They hold ids and no names."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from analytics.models import DailyStat
from core.privacy import ExportSection, PersonalDataProvider, Row, in_batches


def export_daily_stats(user_id: uuid.UUID) -> Iterator[Row]:
    columns = ("pk", "day", "project_id", "created", "completed", "closed", "overdue_change")
    return in_batches(DailyStat.objects.filter(user_id=user_id).values(*columns))


def erase(_person_id: uuid.UUID, _now: datetime) -> None:
    """Nothing names anybody here, and what was done stays done."""


PROVIDER = PersonalDataProvider(
    parts=(ExportSection("days", "Your numbers, day by day.", export_daily_stats, ("analytics.DailyStat",)),),
    erase=erase,
)
