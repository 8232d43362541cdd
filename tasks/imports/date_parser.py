"""Parser of dates typed in English, relative to a given day: "tomorrow at 4pm", "4 Jan".

The grammar follows the list of due dates that Todoist publishes. Ambiguous or unknown text is not guessed: `parse_date`
returns None, and the caller keeps the text.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

MONTHS = {name[:3].lower(): number for number, name in enumerate(calendar.month_name) if name}
WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_abbr)}
RELATIVE_DAYS = {"today": 0, "tod": 0, "tomorrow": 1, "tom": 1, "yesterday": -1, "day after tomorrow": 2}
NAMED_TIMES = {"noon": time(12), "midnight": time(0)}

DAY_REGEX = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
MONTH_REGEX = (
    r"(?:(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"(?:(?<=jan|feb)uary|(?<=mar)ch|(?<=apr)il|(?<=jun)e|(?<=jul)y|(?<=aug)ust|(?<=sep)t(?:ember)?|(?<=oct)ober|(?<=nov|dec)ember)?\.?)"
)
YEAR_REGEX = r"(?:,?\s(?P<year>\d{4}))?"
WEEKDAY_REGEX = r"(?P<weekday>mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday)?"

MAX_LENGTH = 60

# “day after tomorrow” does not repeat.
RECURRING_PATTERN = re.compile(r"\b(?:every|ev|daily|weekly|monthly|quarterly|yearly|(?<!day )after)\b", re.IGNORECASE)
# A time stands at the end, after a space or the T of ISO 8601.
TIME_PATTERN = re.compile(
    r"(?:^|\s|(?<=\d)t)(?:(?P<marked>at\s|@\s?))?"
    r"(?:(?P<word>noon|midnight)|(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::\d{2}(?:\.\d+)?)?)?\s?(?P<half>[ap]m)?)(?P<utc>z)?$"
)


@dataclass(frozen=True, slots=True)
class ParsedDate:
    """A day and perhaps a time of day; `utc` when the text itself says so."""

    day: date
    clock: time | None = None
    utc: bool = False

    def instant(self, zone: tzinfo) -> datetime | None:
        """Return the moment meant in `zone`, in UTC; None for a whole day or beyond the calendar."""
        if self.clock is None:
            return None
        try:
            return datetime.combine(self.day, self.clock, UTC if self.utc else zone).astimezone(UTC)
        except OverflowError:
            return None


def is_recurring(text: str) -> bool:
    """Return whether a text describes a repetition, such as "every Monday"."""
    return RECURRING_PATTERN.search(text) is not None


def parse_date(text: str, today: date) -> ParsedDate | None:
    """Return the date that a text means; None when it is no date or could mean two different days."""
    text = " ".join(text.lower().split())
    if len(text) > MAX_LENGTH:
        return None
    day = _parse_day(text, today)
    if day is not None:
        return ParsedDate(day)
    match = TIME_PATTERN.search(text)
    clock = _parse_time(match) if match else None
    if match is None or clock is None:
        return None
    day = _parse_day(text[: match.start()], today) if match.start() else today
    return ParsedDate(day, clock, match["utc"] is not None) if day else None


def _parse_time(parts: re.Match[str]) -> time | None:
    if parts["word"]:
        return NAMED_TIMES[parts["word"]]
    # A bare number is no time of day: in “jan 4” it is a day.
    if not (parts["marked"] or parts["minute"] or parts["half"]):
        return None
    hour, minute = int(parts["hour"]), int(parts["minute"] or 0)
    if parts["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if parts["half"] == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _parse_day(text: str, today: date) -> date | None:
    if text in RELATIVE_DAYS:
        return today + timedelta(days=RELATIVE_DAYS[text])
    for pattern, parse in DATE_FORMATS:
        if parts := pattern.fullmatch(text):
            try:
                return parse(parts, today)
            except (ValueError, OverflowError):
                return None
    return None


def _slash_date(parts: re.Match[str], today: date) -> date | None:
    """27/1 and 01/27/2016 are clear; 1/2 is a day in January here and in February there."""
    first, second = int(parts["first"]), int(parts["second"])
    if first <= 12 and second <= 12 and first != second:
        return None
    day, month = (first, second) if first > 12 or first == second else (second, first)
    return _resolve_year(today, month, day, parts["year"])


def _named_month(parts: re.Match[str], today: date) -> date:
    return _resolve_year(today, MONTHS[parts["month"]], int(parts["day"]), parts["year"])


def _resolve_year(today: date, month: int, day: int, year: str | None) -> date:
    """Return this day of the year, or without a year the next such day."""
    if year:
        return date(int(year), month, day)
    # 29 February may be eight years away: there is none in 2100.
    for candidate in range(today.year, today.year + 9):
        if day <= calendar.monthrange(candidate, month)[1] and date(candidate, month, day) >= today:
            return date(candidate, month, day)
    raise ValueError("There is no such day.")


def _relative_date(parts: re.Match[str], today: date) -> date:
    count = int(parts["count"]) * (-1 if parts["ago"] else 1)
    match parts["unit"]:
        case "day":
            return today + timedelta(days=count)
        case "week":
            return today + timedelta(weeks=count)
        case "month":
            return _months_later(today, count)
        case _:
            return _months_later(today, 12 * count)


def _months_later(today: date, count: int) -> date:
    # Months from 0 here, so that December does not spill over.
    years, month = divmod(today.month - 1 + count, 12)
    # A month after 31 January is the last day of February.
    last = calendar.monthrange(today.year + years, month + 1)[1]
    return today.replace(year=today.year + years, month=month + 1, day=min(today.day, last))


DateParser = Callable[[re.Match[str], date], date | None]
DATE_FORMATS: tuple[tuple[re.Pattern[str], DateParser], ...] = (
    (
        re.compile(r"(?P<year>\d{4})[-/](?P<number>\d{1,2})[-/](?P<day>\d{1,2})"),
        lambda parts, _: date(int(parts["year"]), int(parts["number"]), int(parts["day"])),
    ),
    (re.compile(r"(?P<first>\d{1,2})/(?P<second>\d{1,2})(?:/(?P<year>\d{4}))?"), _slash_date),
    (re.compile(rf"{DAY_REGEX}\s?{MONTH_REGEX}{YEAR_REGEX}"), _named_month),
    (re.compile(rf"{MONTH_REGEX}\s?{DAY_REGEX}{YEAR_REGEX}"), _named_month),
    (
        re.compile(rf"mid\s{MONTH_REGEX}"),
        lambda parts, today: _resolve_year(today, MONTHS[parts["month"]], 15, None),
    ),
    (  # a day of the month: of this one, or of the next one where it is past
        re.compile(r"(?P<day>\d{1,2})(?:st|nd|rd|th)"),
        lambda parts, today: (
            today if int(parts["day"]) >= today.day else _months_later(today.replace(day=1), 1)
        ).replace(day=int(parts["day"])),
    ),
    (
        re.compile(r"(?:in\s|\+\s?)?(?P<count>\d{1,4})\s(?P<unit>day|week|month|year)s?(?P<ago>\sago)?"),
        _relative_date,
    ),
    (  # never today: on a Friday "fri" is in a week
        re.compile(rf"(?:this\s)?{WEEKDAY_REGEX}"),
        lambda parts, today: today + timedelta(days=(WEEKDAYS[parts["weekday"]] - today.weekday() - 1) % 7 + 1),
    ),
    (  # in the week that begins with the coming Monday
        re.compile(rf"next\s{WEEKDAY_REGEX}"),
        lambda parts, today: today + timedelta(days=7 - today.weekday() + WEEKDAYS[parts["weekday"]]),
    ),
    (re.compile(r"next week"), lambda _, today: today + timedelta(days=7 - today.weekday())),
    (re.compile(r"next month"), lambda _, today: _months_later(today.replace(day=1), 1)),
    (re.compile(r"next year"), lambda _, today: date(today.year + 1, 1, 1)),
    (
        re.compile(r"end of (?:the )?month"),
        lambda _, today: today.replace(day=calendar.monthrange(today.year, today.month)[1]),
    ),
)
