"""Results of the overview's selectors: plain values that need no further queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from django.utils.translation import gettext

from core.errors import Invalid

# A leap year; each day of a period is a row of the response.
MAX_PERIOD_DAYS = 366
# Leaves room for the period before, which is as long.
MIN_START = date(1975, 1, 1)


class Scope(NamedTuple):
    """Projects to count, and one assignee or (None) all together."""

    project_ids: tuple[UUID, ...]
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in UTC, first and last included."""

    start: date
    end: date

    @classmethod
    def of(cls, start: date, end: date) -> Self:
        """Return a period of at most 366 days; raises Invalid."""
        if start > end:
            raise Invalid.field("start", gettext("The start must not be after the end."))
        if (end - start).days >= MAX_PERIOD_DAYS:
            raise Invalid.field(
                "start",
                gettext("A period has at most %(max_period_days)s days.") % {"max_period_days": MAX_PERIOD_DAYS},
                "too_long",
            )
        if start < MIN_START:
            raise Invalid.field(
                "start", gettext("A period cannot start before %(min_start)s.") % {"min_start": MIN_START}, "too_early"
            )
        return cls(start, end)

    @classmethod
    def ending(cls, end: date, *, length: int) -> Self:
        """Return the period of `length` days that ends with `end`; raises Invalid."""
        back = min(length - 1, (end - date.min).days)  # Python's calendar begins with the year 1
        # A date near the year 1 is then rejected with a message instead of an OverflowError.
        return cls.of(end - timedelta(days=back), end)

    @property
    def length(self) -> int:
        return (self.end - self.start).days + 1

    @property
    def before(self) -> Period:
        """Period of equal length that ends the day before this one starts."""
        return Period(self.start - timedelta(days=self.length), self.start - timedelta(days=1))

    def days(self) -> Iterator[date]:
        return (self.start + timedelta(days=offset) for offset in range(self.length))


@dataclass(frozen=True, slots=True)
class DayResult:
    """Figures of one day; `open` and `overdue` are those at its end."""

    date: date
    created: int
    completed: int
    closed: int
    open: int
    overdue: int
    cycle_histogram: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Kpi:
    """A figure, its value in the period before, and one point per day.

    None stands for "no data", for example the median of no tasks.
    """

    value: float | None
    previous: float | None
    series: tuple[float | None, ...]

    @property
    def change(self) -> float | None:
        """Difference to the period before, in the unit of the value; None without data for both."""
        # No data is no change of zero.
        if self.value is None or self.previous is None:
            return None
        return self.value - self.previous


@dataclass(frozen=True, slots=True)
class HistogramBucket:
    """Number of completed tasks with a cycle time in one bucket; the last bucket has no upper edge."""

    lower_hours: int
    upper_hours: int | None
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class UserWorkload:
    """Open and overdue tasks of one assignee at the end of the period."""

    user_id: UUID
    name: str
    open: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Overview:
    """All figures of a period.

    `throughput` is completed tasks per day, cycle times are hours from start (or creation) to completion. `workload`
    has the most overdue assignee first. `as_of` is when the last event was recorded.
    """

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
