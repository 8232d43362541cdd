"""Dates and times of day within a quick-add text, in English and German.

Which words belong together is decided here; which day an English phrase means, by the parser of imports. A match is
the index after its last word and what it means. A phrase that may also be plain text is no match: "Do 9 laps", "may",
"John 3:16", "24/7".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tasks.imports.date_languages import MONTHS
from tasks.imports.date_parser import parse_date
from tasks.quick_add.words import (
    ANY_WEEKDAY,
    CLOCK_WORDS,
    DAY_WORDS,
    ENGLISH_AMBIGUOUS,
    ENGLISH_PREPOSITIONS,
    EVERY_WORDS,
    GERMAN_AMBIGUOUS,
    GERMAN_PREPOSITIONS,
    HOUR_WORDS,
    MONTH_WORDS,
    NEXT_WORDS,
    NUMBER_WORDS,
    PREPOSITIONS,
    THIS_WORDS,
    UNIT_WORDS,
    WEEKDAY_ABBREVIATIONS,
    WEEKDAY_WORDS,
    Words,
)

DateMatch = tuple[int, date] | None
TimeMatch = tuple[int, time] | None

DAY_OF_MONTH = re.compile(r"(\d{1,2})(st|nd|rd|th|\.)?\Z", re.ASCII)
YEAR = re.compile(r"[12]\d{3}\Z", re.ASCII)
ISO_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}\Z", re.ASCII)
DOTTED_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})?\Z", re.ASCII)
SLASH_DATE = re.compile(r"\d{1,2}/\d{1,2}/\d{4}\Z", re.ASCII)
NUMBER = re.compile(r"\d{1,4}\Z", re.ASCII)
CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(am|pm|uhr)?\Z", re.ASCII)
# Words before a number with full stops that make it a number of something: "Version 3.5.".
NUMBERED = {"version", "release", "v", "nr", "no", "kapitel", "chapter", "punkt", "section", "abschnitt"}
GREETINGS = {"guten", "gute", "good"}
# Small months, which are other words too: "Room 4 may be free".
MONTHS_AND_VERBS = {"may", "march", "mar"}
MAX_MINUTES = 60 * 24 * 366


def match_date(words: Words, index: int, today: date) -> DateMatch:
    """Return the date that begins at a word, with the prepositions before it."""
    begin = index
    while begin < index + 2 and words.key(begin) in PREPOSITIONS:
        begin += 1
    for shape in SHAPES:
        if match := shape(words, begin, index, today):
            return match
    return None


def _day_word(words: Words, index: int, start: int, today: date) -> DateMatch:
    key, previous = words.key(index), words.key(index - 1)
    if key == "day" and (words.key(index + 1), words.key(index + 2)) == ("after", "tomorrow"):
        return index + 3, today + timedelta(days=2)
    # "Guten Morgen", and "am Morgen": the time of day.
    if key not in DAY_WORDS or (key == "morgen" and previous in GREETINGS | EVERY_WORDS | {"am"}):
        return None
    return _meaning(index + 1, DAY_WORDS[key], today)


def _next(words: Words, index: int, start: int, today: date) -> DateMatch:
    key, following = words.key(index), words.key(index + 1)
    if key in NEXT_WORDS | THIS_WORDS and following in ANY_WEEKDAY:
        return _meaning(index + 2, ("next " if key in NEXT_WORDS else "") + ANY_WEEKDAY[following], today)
    if key in NEXT_WORDS and UNIT_WORDS.get(following, "day") != "day":
        return _meaning(index + 2, f"next {UNIT_WORDS[following]}", today)
    return None


def _weekday(words: Words, index: int, start: int, today: date) -> DateMatch:
    key = words.key(index)
    if key not in ANY_WEEKDAY:
        return None
    for shape in (_iso_date, _numeric_date, _day_and_month, _month_and_day):
        # The date says it all: "Fri, 24 December".
        if match := shape(words, index + 1, index + 1, today):
            return match
    is_certain = key in WEEKDAY_WORDS or (key in WEEKDAY_ABBREVIATIONS and (index > 0 or words.ends(index + 1)))
    before = {words.key(place) for place in range(start, index)}
    is_timed = match_time(words, index + 1) is not None
    if key in ENGLISH_AMBIGUOUS:
        is_certain = bool(before & ENGLISH_PREPOSITIONS) or is_timed or (index > 0 and words.ends(index + 1))
    elif key in GERMAN_AMBIGUOUS:
        is_certain = bool(before & GERMAN_PREPOSITIONS) or (is_timed and index > 0)
    return _meaning(index + 1, ANY_WEEKDAY[key], today) if is_certain else None


def _iso_date(words: Words, index: int, start: int, today: date) -> DateMatch:
    key = words.key(index)
    return _meaning(index + 1, key, today) if ISO_DATE.match(key) or SLASH_DATE.match(key) else None


def _numeric_date(words: Words, index: int, start: int, today: date) -> DateMatch:
    parts = DOTTED_DATE.match(words.raw(index))
    if not parts or words.key(index - 1) in NUMBERED:
        return None
    year = f" {parts[3] if len(parts[3]) == 4 else '20' + parts[3]}" if parts[3] else ""
    if not 1 <= int(parts[2]) <= len(MONTHS):
        return None
    return _meaning(index + 1, f"{parts[1]} {MONTHS[int(parts[2]) - 1]}{year}", today)


def _day_and_month(words: Words, index: int, start: int, today: date) -> DateMatch:
    day = DAY_OF_MONTH.match(words.raw(index))
    place = index + (2 if words.key(index + 1) == "of" else 1)
    if not day or words.key(place) not in MONTH_WORDS:
        return None
    return _named_month(words, place + 1, start == index, day[1], place, today)


def _month_and_day(words: Words, index: int, start: int, today: date) -> DateMatch:
    day = DAY_OF_MONTH.match(words.raw(index + 1))
    if not day or words.key(index) not in MONTH_WORDS:
        return None
    return _named_month(words, index + 2, start == index, day[1], index, today)


def _named_month(words: Words, end: int, is_bare: bool, day: str, place: int, today: date) -> DateMatch:
    month = words.key(place)
    year = f" {words.key(end)}" if YEAR.match(words.key(end)) else ""
    end += bool(year)
    is_small = words.items[place].text[0].islower()
    if is_bare and not year and month in MONTHS_AND_VERBS and is_small and not _is_closed(words, end):
        return None
    return _meaning(end, f"{day} {MONTH_WORDS[month]}{year}", today)


def _in_days(words: Words, index: int, start: int, today: date) -> DateMatch:
    count, unit = _count(words.key(index + 1)), UNIT_WORDS.get(words.key(index + 2))
    if words.key(index) != "in" or count is None or unit is None:
        return None
    return _meaning(index + 3, f"in {count} {unit}", today)


def _day_of_month(words: Words, index: int, start: int, today: date) -> DateMatch:
    """Match "on the 24th" and "am 24.", unless a noun follows: "on the 2nd floor"."""
    if words.key(index) == "the":
        index += 1
    day = DAY_OF_MONTH.match(words.raw(index))
    if not day or not day[2] or index == start or not _is_closed(words, index + 1):
        return None
    return _meaning(index + 1, f"{day[1]}th", today)


def _end_of_month(words: Words, index: int, start: int, today: date) -> DateMatch:
    for phrase in ("monatsende", "ende des monats", "end of month", "end of the month"):
        end = index + len(phrase.split())
        if " ".join(words.key(place) for place in range(index, end)) == phrase:
            return _meaning(end, "end of month", today)
    return None


SHAPES: tuple[Callable[[Words, int, int, date], DateMatch], ...] = (
    _day_word, _next, _weekday, _iso_date, _numeric_date, _day_and_month, _month_and_day, _in_days, _day_of_month,
    _end_of_month,
)  # fmt: skip


def _meaning(end: int, phrase: str, today: date) -> DateMatch:
    parsed = parse_date(phrase, today)
    # A year that no task may have is not meant.
    return (end, parsed.day) if parsed and parsed.clock is None and 1970 <= parsed.day.year <= 2999 else None


def _count(key: str) -> int | None:
    return int(key) if NUMBER.match(key) else NUMBER_WORDS.get(key)


def _is_closed(words: Words, index: int) -> bool:
    """Return whether a phrase ends before this word for certain: nothing follows that it could be a part of."""
    key = words.key(index)
    return words.ends(index) or key in EVERY_WORDS or key in CLOCK_WORDS or match_time(words, index) is not None


def match_time(words: Words, index: int, *, beside_date: bool = False) -> TimeMatch:
    """Return the time of day that begins at a word; beside a date also "9:30" and "at 9"."""
    place = index + 1 if words.key(index) in {"at", "um"} else index
    has_preposition, key = place > index, words.key(place)
    if key in {"noon", "mittag"}:
        return (place + 1, time(12)) if has_preposition or beside_date else None
    if key in {"midnight", "mitternacht"}:
        return (place + 1, time(0)) if has_preposition or beside_date else None
    parts = CLOCK.match(key)
    if not parts:
        return None
    end, half = place + 1, parts[3] or ""
    following = words.key(end)
    # German "am" is no half of the day: "um 9 am Montag".
    if not half and (
        following in {"pm", "uhr"} or (following == "am" and words.key(index) != "um" and _is_half(words, end))
    ):
        half, end = following, end + 1
    if "." in key and half != "uhr":
        return None
    is_certain = bool(half) or (parts[2] is not None and len(parts[1]) == 2)
    if not is_certain and not (has_preposition or (parts[2] and beside_date)):
        return None
    if not is_certain and not beside_date and not words.ends(end):
        # "Look at 9 houses".
        return None
    if half == "uhr" and parts[2] is None and NUMBER.match(following := words.key(end)) and len(following) == 2:
        return _clock(end + 1, f"{parts[1]}:{following}")  # 9 Uhr 30
    minutes = parts[2] or "00"
    return _clock(end, f"{parts[1]}:{minutes}{half if half != 'uhr' else ''}")


def _is_half(words: Words, index: int) -> bool:
    """Return whether "am" is the half of the day, not German before a date."""
    return words.key(index + 1) not in ANY_WEEKDAY and not words.raw(index + 1)[:1].isdigit()


def _clock(end: int, text: str) -> TimeMatch:
    parsed = parse_date(f"today at {text}", date(2000, 1, 1))
    return (end, parsed.clock) if parsed and parsed.clock is not None else None


def match_delay(words: Words, index: int, now: datetime) -> tuple[int, datetime] | None:
    """Return the instant that "in 2 hours" means, in UTC and whole minutes."""
    count, unit = _count(words.key(index + 1)), HOUR_WORDS.get(words.key(index + 2))
    if words.key(index) != "in" or count is None or unit is None:
        return None
    minutes = count * (60 if unit == "hour" else 1)
    if minutes > MAX_MINUTES:
        return None
    return index + 3, (now.astimezone(UTC) + timedelta(minutes=minutes)).replace(second=0, microsecond=0)


def to_instant(day: date, clock: time, zone: str) -> datetime:
    """Return the instant of a local time, in UTC. A time that a change of the clocks skips is read as before it."""
    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)
