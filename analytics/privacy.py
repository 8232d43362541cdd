"""Personal data: the daily statistics of a user. They hold ids and no names."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from analytics.models import DailyStat
from core.privacy import ExportSection, PersonalDataProvider, Row, in_batches


def export_daily_stats(user_id: uuid.UUID) -> Iterator[Row]:
    columns = ("pk", "day", "project_id", "created", "completed", "closed", "overdue_change")
    return in_batches(DailyStat.objects.filter(user_id=user_id).values(*columns))


def erase(_user_id: uuid.UUID, _now: datetime) -> None:
    """Erase nothing: the statistics hold no personal data but ids."""


PROVIDER = PersonalDataProvider(
    parts=(ExportSection("days", "Your statistics by day.", export_daily_stats, ("analytics.DailyStat",)),),
    erase=erase,
)
