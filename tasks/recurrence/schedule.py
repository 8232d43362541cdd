"""Occurrences of a series in its time zone: which day is next, and at which instant."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from tasks.models.recurrence import Recurrence, RecurrenceMode
from tasks.recurrence.expansion import expand
from tasks.recurrence.rules import Frequency, Rule, parse

PREVIEW_LENGTH = 5
ONE_DAY = timedelta(days=1)
MONTHS = {Frequency.MONTHLY: 1, Frequency.YEARLY: 12}
DAYS = {Frequency.DAILY: 1, Frequency.WEEKLY: 7}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A rule with what it is evaluated by. Without a `time_of_day` the occurrences are whole days."""

    rule: Rule
    mode: str
    time_zone: str
    starts_on: date
    time_of_day: time | None = None
    exceptions: frozenset[date] = frozenset()

    def instant(self, day: date) -> datetime:
        """Return when the occurrence of a day is due; that of a whole day begins then.

        After RFC 5545, section 3.3.5: a time that a change of the clocks skips is read with the offset before it
        (02:30 becomes 03:30), and of a time that comes twice the first counts.
        """
        return datetime.combine(day, self.time_of_day or time(), ZoneInfo(self.time_zone)).astimezone(UTC)

    def missed_at(self, day: date) -> datetime:
        """Return when the occurrence of a day is missed: when its day ends in the time zone."""
        return datetime.combine(day + ONE_DAY, time(), ZoneInfo(self.time_zone)).astimezone(UTC)

    def local_day(self, now: datetime) -> date:
        return now.astimezone(ZoneInfo(self.time_zone)).date()

    @property
    def last_day(self) -> date | None:
        """The last day that UNTIL permits."""
        until = self.rule.until
        if not isinstance(until, datetime):
            return until
        day = self.local_day(until)
        return day - ONE_DAY if self.time_of_day and self.instant(day) > until else day


def series_of(recurrence: Recurrence) -> Series:
    return Series(
        rule=parse(recurrence.rule),
        mode=recurrence.mode,
        time_zone=recurrence.time_zone,
        starts_on=recurrence.starts_on,
        time_of_day=recurrence.time_of_day,
        exceptions=frozenset(recurrence.exceptions),
    )


def next_day(series: Series, *, after: date, number: int, now: datetime) -> date | None:
    """Return the day of the next task, after the `number`-th; None at the end.

    By schedule it is the first day that is not past. After completion it is counted from today.
    """
    if series.mode == RecurrenceMode.AFTER_COMPLETION:
        return next(_days_after_completion(series, series.local_day(now), number), None)
    return next(_days_to_come(series, after, now), None)


def upcoming_days(series: Series, *, after: date, number: int, now: datetime) -> list[date]:
    """Return the next days, for a preview; after completion as if each task were completed on its day."""
    if series.mode == RecurrenceMode.AFTER_COMPLETION:
        days = _days_after_completion(series, max(after, series.local_day(now)), number)
    else:
        days = _days_to_come(series, after, now)
    return list(islice(days, PREVIEW_LENGTH))


def _days_to_come(series: Series, after: date, now: datetime) -> Iterator[date]:
    today = series.local_day(now)
    for day in expand(series.rule, series.starts_on, after=max(after, today - ONE_DAY), until=series.last_day):
        is_past = day == today and series.time_of_day is not None and series.instant(day) <= now
        if day not in series.exceptions and not is_past:
            yield day


def _days_after_completion(series: Series, completed_on: date, number: int) -> Iterator[date]:
    """Yield the next days, each counted from the one before it."""
    # COUNT counts the tasks; the rule itself begins anew with each completion.
    rule, last_day = replace(series.rule, count=None), series.last_day
    day = completed_on
    # Bounded by the callers, which take a few days, and by the number of exceptions.
    while series.rule.count is None or number < series.rule.count:
        following = _add_interval(rule, day)
        if following is None:
            following = next(expand(rule, day, after=day, until=last_day), None)
        if following is None or (last_day and following > last_day):
            return
        day = following
        if day not in series.exceptions:
            number += 1
            yield day


def _add_interval(rule: Rule, day: date) -> date | None:
    """Return the day one interval later; None for a rule that selects days, which is expanded instead.

    A month after 31 January is the last day of February: a completion must not lose its month.
    """
    if rule.by_month or rule.by_month_day or rule.by_day or rule.by_year_day:
        return None
    if rule.frequency in DAYS:
        return day + timedelta(days=DAYS[rule.frequency] * rule.interval)
    year, month = divmod(day.year * 12 + day.month - 1 + MONTHS[rule.frequency] * rule.interval, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
