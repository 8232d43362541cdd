"""Recurrence rules (RFC 5545, section 3.3.10): parsing with named limits, and the canonical text.

A series has at most one occurrence a day; its time is that of the task. So BYHOUR, BYMINUTE, BYSECOND and the
frequencies below DAILY are refused, and a rule is evaluated on days.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext

from core.errors import Invalid

MAX_RULE_LENGTH = 500
MAX_INTERVAL = 1000
MAX_COUNT = 1000
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class Frequency(StrEnum):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A recurrence rule. `by_day` holds pairs of ordinal (0 for every) and weekday (0 for Monday).

    `until` is a day of the series' time zone, or an instant. `parse` checks what the parts may be together.
    """

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    by_month: tuple[int, ...] = ()
    by_week_number: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    by_set_position: tuple[int, ...] = ()
    week_start: int = 0

    def __str__(self) -> str:
        """Return the canonical text: the parts in one order, without those that are defaults."""
        parts = [f"FREQ={self.frequency}"]
        if self.interval != 1:
            parts.append(f"INTERVAL={self.interval}")
        if self.count is not None:
            parts.append(f"COUNT={self.count}")
        if isinstance(self.until, datetime):
            parts.append(f"UNTIL={self.until.astimezone(UTC):%Y%m%dT%H%M%SZ}")
        elif self.until is not None:
            parts.append(f"UNTIL={self.until:%Y%m%d}")
        for name, (attribute, _, _) in NUMBER_LISTS.items():
            if numbers := getattr(self, attribute):
                parts.append(f"{name}={','.join(map(str, numbers))}")
        if self.by_day:
            parts.append("BYDAY=" + ",".join(f"{ordinal or ''}{WEEKDAYS[day]}" for ordinal, day in self.by_day))
        if self.week_start:
            parts.append(f"WKST={WEEKDAYS[self.week_start]}")
        return ";".join(parts)


# Part -> attribute, largest number, whether negative numbers count from the end.
NUMBER_LISTS: dict[str, tuple[str, int, bool]] = {
    "BYMONTH": ("by_month", 12, False),
    "BYWEEKNO": ("by_week_number", 53, True),
    "BYYEARDAY": ("by_year_day", 366, True),
    "BYMONTHDAY": ("by_month_day", 31, True),
    "BYSETPOS": ("by_set_position", 366, True),
}
TIME_PARTS = {"BYHOUR", "BYMINUTE", "BYSECOND"}
SUB_DAILY = {"HOURLY", "MINUTELY", "SECONDLY"}
INTEGER = re.compile(r"[+-]?[0-9]{1,4}\Z", re.ASCII)
DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)\Z", re.ASCII)
UNTIL = re.compile(r"[0-9]{8}(T[0-9]{6}Z)?\Z", re.ASCII)


def parse(text: str) -> Rule:
    """Return the rule of an RRULE text, with or without `RRULE:` before it. Raises Invalid for the field `rule`."""
    if len(text) > MAX_RULE_LENGTH:
        raise _invalid(
            gettext("A rule has at most %(max_rule_length)s characters.") % {"max_rule_length": MAX_RULE_LENGTH},
            "max_length",
        )
    parts: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise _invalid(gettext("Write parts like FREQ=WEEKLY;BYDAY=MO, separated by semicolons."))
        if name in parts:
            raise _invalid(gettext("%(name)s is given twice.") % {"name": name})
        parts[name] = value
    if parts.get("FREQ") in SUB_DAILY or parts.keys() & TIME_PARTS:
        raise _invalid(gettext("A task repeats at most once a day, at the time of its due date."), "sub_daily")
    if unknown := parts.keys() - PARSERS.keys() - {"FREQ"}:
        raise _invalid(gettext("%(unknown)s is not part of a rule.") % {"unknown": _abbreviate(min(unknown))})
    if parts.get("FREQ") not in Frequency.__members__:
        raise _invalid(gettext("FREQ is one of DAILY, WEEKLY, MONTHLY and YEARLY."))
    values: dict[str, Any] = {}
    for name, value in parts.items():
        if name != "FREQ":
            attribute, parser = PARSERS[name]
            values[attribute] = parser(name, value)
    rule = Rule(frequency=Frequency(parts["FREQ"]), **values)
    _check_combination(rule)
    return rule


def _invalid(message: str, code: str = "invalid") -> Invalid:
    return Invalid.field("rule", message, code)


def _abbreviate(text: str) -> str:
    """Return text of the caller, short enough for an error."""
    return text if len(text) <= 20 else f"{text[:20]}…"


def _parse_number(name: str, text: str, low: int, high: int) -> int:
    if not INTEGER.match(text) or not low <= int(text) <= high:
        raise _invalid(
            gettext("%(name)s is a number from %(low)s to %(high)s, not %(text)s.")
            % {"name": name, "low": low, "high": high, "text": _abbreviate(text)}
        )
    return int(text)


def _parse_numbers(name: str, text: str) -> tuple[int, ...]:
    _, high, is_signed = NUMBER_LISTS[name]
    numbers = {_parse_number(name, item, -high if is_signed else 1, high) for item in text.split(",")}
    if 0 in numbers:
        raise _invalid(gettext("%(name)s counts from 1.") % {"name": name})
    return tuple(sorted(numbers))


def _parse_days(name: str, text: str) -> tuple[tuple[int, int], ...]:
    days = set()
    for item in text.split(","):
        match = DAY.match(item)
        ordinal = int(match[1]) if match and match[1] else 0
        if not match or (match[1] and not 1 <= abs(ordinal) <= 53):
            raise _invalid(
                gettext("%(name)s holds days like MO, 2TU or -1FR, not %(item)s.")
                % {"name": name, "item": _abbreviate(item)}
            )
        days.add((ordinal, WEEKDAYS.index(match[2])))
    return tuple(sorted(days, key=lambda day: (day[1], day[0])))


def _parse_until(name: str, text: str) -> date | datetime:
    if UNTIL.match(text):
        try:
            if len(text) == len("20260131"):
                return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 -- a day of the series' time zone
            return datetime.strptime(text, "%Y%m%dT%H%M%S%z")
        except ValueError:
            pass
    raise _invalid(
        gettext("%(name)s is a day like 20261231, or an instant in UTC like 20261231T170000Z.") % {"name": name}
    )


def _parse_week_start(name: str, text: str) -> int:
    if text not in WEEKDAYS:
        raise _invalid(gettext("%(name)s is one of %(weekdays)s.") % {"name": name, "weekdays": ", ".join(WEEKDAYS)})
    return WEEKDAYS.index(text)


PARSERS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    **{name: (attribute, _parse_numbers) for name, (attribute, _, _) in NUMBER_LISTS.items()},
    "INTERVAL": ("interval", lambda name, text: _parse_number(name, text, 1, MAX_INTERVAL)),
    "COUNT": ("count", lambda name, text: _parse_number(name, text, 1, MAX_COUNT)),
    "UNTIL": ("until", _parse_until),
    "BYDAY": ("by_day", _parse_days),
    "WKST": ("week_start", _parse_week_start),
}


def _check_combination(rule: Rule) -> None:
    """Raise Invalid for parts that RFC 5545 does not allow together."""
    has_ordinals = any(ordinal for ordinal, _ in rule.by_day)
    is_yearly = rule.frequency == Frequency.YEARLY
    if rule.count is not None and rule.until is not None:
        raise _invalid(gettext("A rule ends by COUNT or by UNTIL, not by both."))
    if has_ordinals and rule.frequency not in {Frequency.MONTHLY, Frequency.YEARLY}:
        raise _invalid(gettext("Numbered days in BYDAY, like 2TU, need FREQ=MONTHLY or FREQ=YEARLY."))
    if has_ordinals and rule.by_week_number:
        raise _invalid(gettext("Numbered days in BYDAY don't go together with BYWEEKNO."))
    if rule.by_month_day and rule.frequency == Frequency.WEEKLY:
        raise _invalid(gettext("BYMONTHDAY doesn't go together with FREQ=WEEKLY."))
    if rule.by_week_number and not (is_yearly and rule.by_day):
        # Without a day, some programs take all days of the week and others one.
        raise _invalid(gettext("BYWEEKNO needs FREQ=YEARLY and BYDAY."))
    if rule.by_year_day and not is_yearly:
        raise _invalid(gettext("BYYEARDAY needs FREQ=YEARLY."))
    others = (rule.by_month, rule.by_week_number, rule.by_year_day, rule.by_month_day, rule.by_day)
    if rule.by_set_position and not any(others):
        raise _invalid(gettext("BYSETPOS needs another BY part to choose from."))
