"""What the numbers know about a person: days, and how much of what. They hold ids and no names."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from analytics.models import DailyStat
from core.personal import Keeper, Part, Row, in_batches


def days_of(person_id: uuid.UUID) -> Iterator[Row]:
    columns = ("pk", "day", "project_id", "created", "completed", "closed", "overdue_change")
    return in_batches(DailyStat.objects.filter(person_id=person_id).values(*columns))


def forget(_person_id: uuid.UUID, _now: datetime) -> None:
    """Nothing names anybody here, and what was done stays done."""


KEEPER = Keeper(parts=(Part("days", "Your numbers, day by day.", days_of, ("analytics.DailyStat",)),), forget=forget)
