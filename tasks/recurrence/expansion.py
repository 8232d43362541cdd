"""Expansion of a recurrence rule into days, after RFC 5545, section 3.3.10.

A rule divides time into periods (days, weeks, months, years) of which every INTERVAL-th counts. The BY parts select
days of a period, BYSETPOS some of these, and COUNT and UNTIL end the series.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from tasks.recurrence.rules import Frequency, Rule

# A rule may match rarely, such as a Sunday that is 29 February, or never: the search for the next day ends here.
HORIZON_YEARS = 100
# COUNT is counted from the start of a series, so the first and last of them bound how many periods are looked at.
SERIES_YEARS = range(1970, 2201)
LAST_DAY = date(9998, 12, 31)
WEEK = 7


def expand(rule: Rule, start: date, *, after: date | None = None, until: date | None = None) -> Iterator[date]:
    """Yield the days of a series from `start`, later than `after` and at most `until`.

    `start` itself is a day of the series only if the rule matches it. The search ends HORIZON_YEARS after the later of
    `start` and `after`.
    """
    # Nobody has a use for more years than these, and a rule that never matches would be searched to the year 9999.
    searched_from = max(start, after or start)
    last = min(LAST_DAY, date(min(searched_from.year + HORIZON_YEARS, LAST_DAY.year), 12, 31), until or LAST_DAY)
    count = 0
    # Bounded: `_periods` ends at `last`.
    for days in _periods(rule, start, last, skip_to=searched_from if rule.count is None else start):
        selected = _at_positions(days, rule.by_set_position) if rule.by_set_position else days
        for day in selected:
            if day < start:
                continue
            if day > last:
                return
            count += 1
            if after is None or day > after:
                yield day
            if count == rule.count:
                return


def _at_positions(days: Sequence[date], positions: Sequence[int]) -> list[date]:
    chosen = {days[p - 1 if p > 0 else p] for p in positions if abs(p) <= len(days)}
    return sorted(chosen)


def _periods(rule: Rule, start: date, last: date, *, skip_to: date) -> Iterator[list[date]]:
    """Yield the selected days of each period, from about `skip_to` until `last`."""
    step = rule.interval
    if rule.frequency == Frequency.DAILY:
        first = start + timedelta(days=(skip_to - start).days // step * step)
        for ordinal in range(first.toordinal(), last.toordinal() + 1, step):
            day = date.fromordinal(ordinal)
            if _matches(rule, day):
                yield [day]
    elif rule.frequency == Frequency.WEEKLY:
        first = _start_of_week(start, rule.week_start)
        first += timedelta(days=(skip_to - first).days // (WEEK * step) * WEEK * step)
        weekdays = {weekday for _, weekday in rule.by_day} or {start.weekday()}
        for ordinal in range(first.toordinal(), last.toordinal() + 1, WEEK * step):
            # The last week may end after the year 9999.
            days = [date.fromordinal(n) for n in range(ordinal, min(ordinal + WEEK, date.max.toordinal()))]
            yield [day for day in days if day.weekday() in weekdays and _is_in_months(rule, day)]
    elif rule.frequency == Frequency.MONTHLY:
        first_month = start.year * 12 + start.month - 1
        first_month += (skip_to.year * 12 + skip_to.month - 1 - first_month) // step * step
        for month_index in range(first_month, last.year * 12 + last.month, step):
            year, month = divmod(month_index, 12)
            if not rule.by_month or month + 1 in rule.by_month:
                yield _days_of_month(rule, year, month + 1, default_day=start.day)
    else:
        first_year = start.year + (skip_to.year - start.year) // step * step
        for year in range(first_year, last.year + 1, step):
            yield _days_of_year(rule, year, start)


def _start_of_week(day: date, week_start: int) -> date:
    return day - timedelta(days=(day.weekday() - week_start) % WEEK)


def _is_in_months(rule: Rule, day: date) -> bool:
    return not rule.by_month or day.month in rule.by_month


def _is_month_day(rule: Rule, day: date, length: int) -> bool:
    return not rule.by_month_day or day.day in rule.by_month_day or day.day - length - 1 in rule.by_month_day


def _matches(rule: Rule, day: date) -> bool:
    """Return whether weekday, day of the month and month match."""
    if rule.by_day and day.weekday() not in {weekday for _, weekday in rule.by_day}:
        return False
    return _is_in_months(rule, day) and _is_month_day(rule, day, monthrange(day.year, day.month)[1])


def _days_of_month(rule: Rule, year: int, month: int, *, default_day: int) -> list[date]:
    length = monthrange(year, month)[1]
    if not rule.by_month_day and not rule.by_day:
        # A month without a 31st has no such occurrence.
        return [date(year, month, default_day)] if default_day <= length else []
    days = [date(year, month, number) for number in range(1, length + 1)]
    return [day for day in days if _is_month_day(rule, day, length) and _is_weekday(rule, day, day.day, length)]


def _is_weekday(rule: Rule, day: date, number: int, length: int) -> bool:
    """Return whether the day is one of BYDAY; `number` is its number in a period of `length` days."""
    if not rule.by_day:
        return True
    # The first to seventh day are the first Monday to Sunday of the period, and so on; the same from its end.
    from_start, from_end = (number - 1) // WEEK + 1, -((length - number) // WEEK + 1)
    return any(weekday == day.weekday() and ordinal in {0, from_start, from_end} for ordinal, weekday in rule.by_day)


def _days_of_year(rule: Rule, year: int, start: date) -> list[date]:
    if not (rule.by_week_number or rule.by_year_day or rule.by_month_day or rule.by_day):
        months = rule.by_month or (start.month,)
        return [date(year, month, start.day) for month in months if start.day <= monthrange(year, month)[1]]
    year_length = 366 if isleap(year) else 365
    days = []
    for month in rule.by_month or range(1, 13):
        month_length = monthrange(year, month)[1]
        for number in range(1, month_length + 1):
            day = date(year, month, number)
            year_day = day.timetuple().tm_yday if rule.by_year_day or rule.by_day else 0
            # With BYMONTH a numbered day is one of the month, otherwise one of the year.
            place = (number, month_length) if rule.by_month else (year_day, year_length)
            if (
                _is_month_day(rule, day, month_length)
                and _is_weekday(rule, day, *place)
                and (
                    not rule.by_year_day
                    or year_day in rule.by_year_day
                    or year_day - year_length - 1 in rule.by_year_day
                )
                and (not rule.by_week_number or _is_in_weeks(rule, day))
            ):
                days.append(day)
    return days


def _is_in_weeks(rule: Rule, day: date) -> bool:
    """Return whether the day's week is one of BYWEEKNO, counted from either end."""
    # The year of a week is that of its fourth day: week 1 has at least four days in its year.
    week = _start_of_week(day, rule.week_start)
    year = (week + timedelta(days=3)).year
    first = _start_of_week(date(year, 1, 4), rule.week_start)
    count = (_start_of_week(date(year + 1, 1, 4), rule.week_start) - first).days // WEEK
    number = (week - first).days // WEEK + 1
    return number in rule.by_week_number or number - count - 1 in rule.by_week_number
