"""Periods that the calendar shows: a month in whole weeks, a week, or the days of an agenda."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from core.api.fields import SUPPORTED_YEARS
from tasks.filters.forms import WEEKDAYS

WEEK = timedelta(days=7)
AGENDA_DAYS = 30
# Of each day; the link to the list has the others.
TASKS_PER_DAY = {"month": 4, "week": 20, "agenda": 10}
FIRST_DAY, LAST_DAY = date(SUPPORTED_YEARS[0], 1, 1), date(SUPPORTED_YEARS[-1], 12, 31)


@dataclass(frozen=True, slots=True)
class Period:
    """Days of a view; `previous` and `next` are days of its neighbours, None at the end of the calendar."""

    view: str
    first: date
    last: date
    month: date
    previous: date | None
    next: date | None

    def contains(self, day: date) -> bool:
        """Whether the period is about the day: a month shows days of its neighbours too."""
        return (day.year, day.month) == (self.month.year, self.month.month) if self.view == "month" else True


def period_of(view: str, day: date, week_start: str) -> Period:
    """Return the period of a view that shows the day."""
    # Ten weeks within the end of the calendar, so that no period reaches over it.
    margin = WEEK * 10
    day = min(max(day, FIRST_DAY + margin), LAST_DAY - margin)
    if view == "month":
        start = day.replace(day=1)
        next_month = (start + timedelta(days=32)).replace(day=1)
        first = start_of_week(start, week_start)
        last = start_of_week(next_month - timedelta(days=1), week_start) + timedelta(days=6)
        previous = (start - timedelta(days=1)).replace(day=1)
        return Period(view, first, last, start, _within(previous), _within(next_month))
    length = WEEK if view == "week" else timedelta(days=AGENDA_DAYS)
    first = start_of_week(day, week_start) if view == "week" else day
    last = first + length - timedelta(days=1)
    return Period(view, first, last, first, _within(first - length), _within(first + length))


def start_of_week(day: date, week_start: str) -> date:
    """Return the first day of the week of a day."""
    return day - timedelta(days=(day.weekday() - WEEKDAYS[week_start]) % 7)


def _within(day: date) -> date | None:
    return day if FIRST_DAY + WEEK * 10 <= day <= LAST_DAY - WEEK * 10 else None
