"""Values of filter terms: days, instants and numbers, as single values, comparisons and ranges."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, gettext_noop

from core.api.fields import DATE_PATTERN, RFC3339_PATTERN, SUPPORTED_YEARS
from core.errors import FieldError
from tasks.filters.grammar import error
from tasks.filters.syntax_tree import RANGE, Term, Value

DAY_NAMES = ("@today", "@tomorrow", "@yesterday", "@week-start", "@week-end", "@month-start", "@month-end")
RELATIVE_DAY_PATTERN = re.compile(rf"({'|'.join(DAY_NAMES)})(?:([+-][0-9]{{1,4}})([dw]?))?\Z")
NUMBER_PATTERN = re.compile(r"[0-9]{1,9}\Z")
WEEKDAYS = {"monday": 0, "saturday": 5, "sunday": 6}
ONE_DAY, SMALLEST_STEP = timedelta(days=1), timedelta(microseconds=1)
DAY_HELP = gettext_noop("Write a day like 2026-05-04, @today, @today+7 or @week-end.")
INSTANT_HELP = f"{DAY_HELP[:-1]}, or an instant like 2026-05-04T09:30:00Z."
Bounds = tuple[Any, Any]


class BadTerm(Exception):
    """A term that means nothing: its name, operator or value."""

    def __init__(self, code: str, message: str, position: int) -> None:
        super().__init__(message)
        self.error: FieldError = error(code, message, position)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Clock and calendar of a reader."""

    now: datetime
    today: date
    zone: ZoneInfo
    week_start: str = "monday"

    def start_of(self, day: date) -> datetime:
        """Return the first instant of a day in the reader's time zone."""
        return datetime.combine(day, time(), tzinfo=self.zone).astimezone(UTC)


def suggest(name: str, known: Sequence[str]) -> str:
    """Return "Did you mean …?" for a similar known name, else the known names."""
    similar = get_close_matches(name.lower(), known, 1)
    return (
        gettext("Did you mean “%(similar)s”?") % {"similar": similar[0]}
        if similar
        else gettext("Known: %(known)s.") % {"known": ", ".join(known)}
    )


def choices(term: Term, known: Sequence[str]) -> list[str]:
    """Return the values in lower case; each must be known."""
    names = [value.text.lower() for value in term.values]
    for name, value in zip(names, term.values, strict=True):
        if name not in known:
            message = gettext("“%(name)s” cannot be “%(text)s”. %(known)s") % {
                "name": term.name,
                "text": value.text,
                "known": suggest(name, known),
            }
            raise BadTerm("unknown_value", message, value.start)
    return names


def parse_day(value: Value, calendar: Calendar) -> date:
    """Return a day that is written as such or relative to today."""
    day: date | None = None
    try:
        if relative := RELATIVE_DAY_PATTERN.match(value.text.lower()):
            name, count, unit = relative.groups()
            day = _named_day(name, calendar) + timedelta(days=int(count or 0) * (7 if unit == "w" else 1))
        elif DATE_PATTERN.match(value.text):
            day = date.fromisoformat(value.text)
    except (ValueError, OverflowError):
        pass
    if day is None or day.year not in SUPPORTED_YEARS:
        raise BadTerm(
            "invalid_date",
            gettext("“%(text)s” is no day. %(day_help)s") % {"text": value.text, "day_help": DAY_HELP},
            value.start,
        )
    return day


def _named_day(name: str, calendar: Calendar) -> date:
    today = calendar.today
    into_week = (today.weekday() - WEEKDAYS[calendar.week_start]) % 7
    next_month = (today.replace(day=1) + timedelta(days=31)).replace(day=1)
    return {
        "@today": today,
        "@tomorrow": today + ONE_DAY,
        "@yesterday": today - ONE_DAY,
        "@week-start": today - timedelta(days=into_week),
        "@week-end": today + timedelta(days=6 - into_week),
        "@month-start": today.replace(day=1),
        "@month-end": next_month - ONE_DAY,
    }[name]


def parse_moment(value: Value, calendar: Calendar) -> Bounds:
    """Return when a day begins and ends, or an instant and the one after it."""
    if value.text.lower() == "@now":
        return calendar.now, calendar.now + SMALLEST_STEP
    if RFC3339_PATTERN.match(value.text):
        try:
            instant = datetime.fromisoformat(value.text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            instant = datetime.max.replace(tzinfo=UTC)
        if instant.year in SUPPORTED_YEARS:
            return instant, instant + SMALLEST_STEP
        raise BadTerm(
            "invalid_date",
            gettext("“%(text)s” is no instant. %(instant_help)s") % {"text": value.text, "instant_help": INSTANT_HELP},
            value.start,
        )
    day = parse_day(value, calendar)
    return calendar.start_of(day), calendar.start_of(day + ONE_DAY)


def parse_number(value: Value) -> int:
    if not NUMBER_PATTERN.match(value.text):
        raise BadTerm("invalid_number", gettext("“%(text)s” is no whole number.") % {"text": value.text}, value.start)
    return int(value.text)


def intervals(term: Term, parse: Callable[[Value], Bounds]) -> list[Bounds]:
    """Return the intervals that a term names: from the first bound, and before the second.

    `parse` returns a value as such an interval.
    """
    parsed = [parse(value) for value in term.values]
    first, end = parsed[0]
    match term.operator:
        case ">":
            return [(end, None)]
        case ">=":
            return [(first, None)]
        case "<":
            return [(None, first)]
        case "<=":
            return [(None, end)]
        case _ if term.operator == RANGE:
            if parsed[1][1] <= first:
                message = gettext("The range ends before it begins.")
                raise BadTerm("empty_range", message, term.values[0].start)
            return [(first, parsed[1][1])]
    return parsed
