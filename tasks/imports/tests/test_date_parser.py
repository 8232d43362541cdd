from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from tasks.imports.date_parser import ParsedDate, is_recurring, parse_date

SUNDAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", date(2026, 11, 22)),
        ("tod", date(2026, 11, 22)),
        ("Tomorrow", date(2026, 11, 23)),
        ("tom", date(2026, 11, 23)),
        ("yesterday", date(2026, 11, 21)),
        ("day after tomorrow", date(2026, 11, 24)),
        ("in 5 days", date(2026, 11, 27)),
        ("5 days", date(2026, 11, 27)),
        ("+5 days", date(2026, 11, 27)),
        ("2 days ago", date(2026, 11, 20)),
        ("3 weeks", date(2026, 12, 13)),
        ("in 3 months", date(2027, 2, 22)),
        ("in 1 year", date(2027, 11, 22)),
        ("4 Jan", date(2027, 1, 4)),
        ("Jan 4", date(2027, 1, 4)),
        ("January 4th", date(2027, 1, 4)),
        ("22 nov", date(2026, 11, 22)),
        ("Oct 5 2026", date(2026, 10, 5)),
        ("oct 5, 2026", date(2026, 10, 5)),
        ("5 sept 2026", date(2026, 9, 5)),
        ("29 feb", date(2028, 2, 29)),
        ("27/1", date(2027, 1, 27)),
        ("01/27/2016", date(2016, 1, 27)),
        ("27/01/2016", date(2016, 1, 27)),
        ("03/03/2027", date(2027, 3, 3)),
        ("2016/01/27", date(2016, 1, 27)),
        ("2016-01-27", date(2016, 1, 27)),
        ("27th", date(2026, 11, 27)),
        ("3rd", date(2026, 12, 3)),
        ("mid January", date(2027, 1, 15)),
        ("end of month", date(2026, 11, 30)),
        ("next week", date(2026, 11, 23)),
        ("next month", date(2026, 12, 1)),
        ("next year", date(2027, 1, 1)),
        ("mon", date(2026, 11, 23)),
        ("Sunday", date(2026, 11, 29)),
        ("next wednesday", date(2026, 11, 25)),
    ],
)
def test_reads_a_day(text: str, day: date) -> None:
    assert parse_date(text, SUNDAY) == ParsedDate(day)


@pytest.mark.parametrize(
    ("text", "day", "clock"),
    [
        ("today at 10", SUNDAY, time(10)),
        ("Tomorrow at 16:00", date(2026, 11, 23), time(16)),
        ("Fri @ 7pm", date(2026, 11, 27), time(19)),
        ("friday @7pm", date(2026, 11, 27), time(19)),
        ("6pm", SUNDAY, time(18)),
        ("12am", SUNDAY, time(0)),
        ("12:30 pm", SUNDAY, time(12, 30)),
        ("4 Jan 2027 09:05", date(2027, 1, 4), time(9, 5)),
        ("2026-12-01T08:15:30", date(2026, 12, 1), time(8, 15)),
        ("2026-12-01 08:15", date(2026, 12, 1), time(8, 15)),
        ("tomorrow at noon", date(2026, 11, 23), time(12)),
        ("in 2 days at midnight", date(2026, 11, 24), time(0)),
    ],
)
def test_reads_a_time_of_day(text: str, day: date, clock: time) -> None:
    assert parse_date(text, SUNDAY) == ParsedDate(day, clock)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "someday",
        "1/2/2027",
        "31/4",
        "30 feb",
        "2026-13-01",
        "2026-02-30",
        "tomorrow at 25:00",
        "tomorrow at 13pm",
        "0am",
        "maybe 5",
        "janitor 5",
        "in 99999 years",
        "99999 weeks ago",
        "10",
        "2 hours",
        "every day",
        "mañana",
        "tomorrow " * 50,
    ],
)
def test_does_not_guess(text: str) -> None:
    assert parse_date(text, SUNDAY) is None


@pytest.mark.parametrize("text", ["every day", "Every! 3 days", "ev mon, fri", "daily", "weekly", "after 3 days"])
def test_knows_repetition(text: str) -> None:
    assert is_recurring(text)


def test_day_after_tomorrow_does_not_repeat() -> None:
    assert not is_recurring("day after tomorrow")


def test_instant_is_meant_in_the_zone_on_that_day() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    assert ParsedDate(date(2026, 7, 1), time(9)).instant(berlin) == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert ParsedDate(date(2026, 12, 1), time(9)).instant(berlin) == datetime(2026, 12, 1, 8, tzinfo=UTC)


def test_instant_that_names_utc_ignores_the_zone() -> None:
    written = parse_date("2026-07-01T09:00:00Z", SUNDAY)

    assert written is not None
    assert written.instant(ZoneInfo("Asia/Tokyo")) == datetime(2026, 7, 1, 9, tzinfo=UTC)


def test_instant_beyond_the_calendar_is_none() -> None:
    assert ParsedDate(date(1, 1, 1), time(0)).instant(ZoneInfo("Asia/Tokyo")) is None
