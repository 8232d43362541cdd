"""A recurrence rule in words: "Every 2 weeks on Monday and Friday, until 31 December 2026"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.utils import formats

from tasks.models.recurrence import RecurrenceMode
from tasks.recurrence.rules import Frequency, Rule
from tasks.recurrence.schedule import Series

UNITS = {
    Frequency.DAILY: "day",
    Frequency.WEEKLY: "week",
    Frequency.MONTHLY: "month",
    Frequency.YEARLY: "year",
}
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
WORKWEEK = ((0, 0), (0, 1), (0, 2), (0, 3), (0, 4))
SMALL_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth"}


def describe(series: Series) -> str:
    """Return the series in words."""
    rule = series.rule
    text = _frequency(rule)
    if days := _days(rule, series.starts_on, is_counted=series.mode == RecurrenceMode.AFTER_COMPLETION):
        text += f" on {days}"
    if rule.by_month:
        text += f" in {_join([MONTH_NAMES[month - 1] for month in rule.by_month])}"
    if rule.by_week_number:
        text += f" in week {_join([_from_end(number) for number in rule.by_week_number])}"
    if rule.by_set_position:
        text += f", only the {_join([ordinal_name(position) for position in rule.by_set_position])} of these"
    if series.mode == RecurrenceMode.AFTER_COMPLETION:
        text += " after completion"
    if rule.count is not None:
        text += f", {rule.count} time{'s' if rule.count != 1 else ''}"
    if rule.until is not None:
        day = series.local_day(rule.until) if isinstance(rule.until, datetime) else rule.until
        text += f", until {formats.date_format(day, 'j F Y')}"
    return text


def _frequency(rule: Rule) -> str:
    if rule.frequency == Frequency.WEEKLY and rule.by_day == WORKWEEK and rule.interval == 1:
        return "Every weekday"
    unit = UNITS[rule.frequency]
    return f"Every {unit}" if rule.interval == 1 else f"Every {rule.interval} {unit}s"


def _days(rule: Rule, start: date, *, is_counted: bool) -> str:
    """Return the days of the rule; those of the start where the rule has none and does not count from a completion."""
    if rule.frequency == Frequency.WEEKLY and rule.by_day == WORKWEEK and rule.interval == 1:
        return ""
    parts = []
    if rule.by_day:
        names = [f"the {ordinal_name(n)} {DAY_NAMES[day]}" if n else DAY_NAMES[day] for n, day in rule.by_day]
        parts.append(_join(names))
    if rule.by_month_day:
        parts.append(_join([_month_day(day) for day in rule.by_month_day]))
    if rule.by_year_day:
        parts.append(f"day {_join([_from_end(day) for day in rule.by_year_day])} of the year")
    if parts:
        return " that is ".join(parts)
    if is_counted or rule.frequency == Frequency.DAILY:
        return ""
    if rule.frequency == Frequency.WEEKLY:
        return DAY_NAMES[start.weekday()]
    if rule.frequency == Frequency.MONTHLY or rule.by_month:
        return _month_day(start.day)
    return f"{start.day} {MONTH_NAMES[start.month - 1]}"


def _month_day(day: int) -> str:
    if day == -1:
        return "the last day of the month"
    return f"the {ordinal_name(day)} day of the month" if day < 0 else f"the {with_suffix(day)}"


def ordinal_name(number: int) -> str:
    if number > 0:
        return SMALL_ORDINALS.get(number) or with_suffix(number)
    return "last" if number == -1 else f"{ordinal_name(-number)} to last"


def with_suffix(number: int) -> str:
    suffix = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _from_end(number: int) -> str:
    return str(number) if number > 0 else f"{-number} from the end"


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
