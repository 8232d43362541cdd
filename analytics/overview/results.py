"""What the selectors answer with: plain values, finished, nothing left to query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from core.errors import Invalid

MAX_PERIOD_DAYS = 366
MIN_START = date(1975, 1, 1)


class Scope(NamedTuple):
    """Whose numbers: of these projects, and of one person or of everybody together."""

    project_ids: tuple[UUID, ...]
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """Days in UTC, the first and the last one included."""

    start: date
    end: date

    @classmethod
    def of(cls, start: date, end: date) -> Self:
        """Build a period that can be answered for, or raise Invalid."""
        if start > end:
            raise Invalid.field("start", "The period must begin before it ends.")
        if (end - start).days >= MAX_PERIOD_DAYS:
            raise Invalid.field("start", f"A period has at most {MAX_PERIOD_DAYS} days.", "too_long")
        if start < MIN_START:
            raise Invalid.field("start", f"No period begins before {MIN_START}.", "too_early")
        return cls(start, end)

    @classmethod
    def ending(cls, end: date, *, length: int) -> Self:
        back = min(length - 1, (end - date.min).days)  # the calendar begins with the year 1
        return cls.of(end - timedelta(days=back), end)

    @property
    def length(self) -> int:
        return (self.end - self.start).days + 1

    @property
    def before(self) -> Period:
        """The period of equal length that ends where this one begins."""
        return Period(self.start - timedelta(days=self.length), self.start - timedelta(days=1))

    def days(self) -> Iterator[date]:
        return (self.start + timedelta(days=offset) for offset in range(self.length))


@dataclass(frozen=True, slots=True)
class DayResult:
    """One day; open and overdue as they were at its end."""

    date: date
    created: int
    completed: int
    closed: int
    open: int
    overdue: int
    cycle_histogram: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Kpi:
    """A figure, the same figure for the period before, and one point for each day of the period."""

    value: float | None
    previous: float | None
    series: tuple[float | None, ...]

    @property
    def change(self) -> float | None:
        if self.value is None or self.previous is None:
            return None
        return self.value - self.previous


@dataclass(frozen=True, slots=True)
class HistogramBucket:
    """The completed tasks whose cycle time lay in one bucket; the last bucket has no upper end."""

    lower_hours: int
    upper_hours: int | None
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class UserWorkload:
    """What one person has open at the end of the period."""

    user_id: UUID
    name: str
    open: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Overview:
    period: Period
    open: Kpi
    overdue: Kpi
    created: Kpi
    completed: Kpi
    throughput: Kpi
    cycle_median: Kpi
    cycle_p85: Kpi
    cycle_p95: Kpi
    days: tuple[DayResult, ...]
    histogram: tuple[HistogramBucket, ...]
    workload: tuple[UserWorkload, ...]
    as_of: datetime | None
