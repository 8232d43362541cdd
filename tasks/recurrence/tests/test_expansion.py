"""Expansion of 10,000 random rules, against dateutil, rrule-temporal and a day-by-day reading of RFC 5545.

dateutil and rrule-temporal (JavaScript) are independent of this code and of each other. Of the latter the results are
recorded, as one digest for each hundred rules, so that the test needs no Node; record_rrule_temporal.mjs beside this
file makes them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from datetime import MAXYEAR, date, datetime, timedelta
from itertools import groupby, islice
from pathlib import Path

import pytest
from dateutil.rrule import rrulestr

from tasks.recurrence.expansion import HORIZON_YEARS, expand
from tasks.recurrence.rules import Frequency, Rule, parse
from tasks.recurrence.tests.random_rules import MAX_OCCURRENCES, RuleCase, RuleGenerator

SEED, COUNT, BLOCK = 5545, 10_000, 100
RECORDED = Path(__file__).with_name("rrule_temporal_digests.txt")


def expanded(case: RuleCase) -> list[date]:
    rule = parse(case.rule)
    assert isinstance(rule.until, date | None)
    until = min(rule.until or case.last, case.last)
    return list(islice(expand(rule, case.start, until=until), MAX_OCCURRENCES))


def by_dateutil(case: RuleCase) -> Iterator[date]:
    start = datetime.combine(case.start, datetime.min.time())  # without a time zone, like UNTIL
    for moment in rrulestr(case.rule, dtstart=start):
        if moment.date() > case.last:
            return
        yield moment.date()


def is_agreed(case: RuleCase) -> bool:
    """Return whether rrule-temporal reads the rule as RFC 5545 does.

    Of a year it joins the days of several BY parts, where the table of section 3.3.10 limits one by the other; and weeks
    that lie in two years are one set for BYSETPOS.
    """
    names = {part.partition("=")[0] for part in case.rule.split(";")}
    selecting = names & {"BYMONTHDAY", "BYYEARDAY", "BYDAY"}
    return "FREQ=YEARLY" not in case.rule or (len(selecting) < 2 and not names >= {"BYWEEKNO", "BYSETPOS"})


def digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def line(case: RuleCase, days: Iterable[object]) -> str:
    return f"{case.rule} {case.start} {' '.join(map(str, days))}"


@pytest.fixture(scope="module")
def cases():
    return list(RuleGenerator(SEED).cases(COUNT))


def test_rules_equal_dateutil(cases):
    compared = 0
    for case in cases:
        days = expanded(case)
        # dateutil looks for a day that never comes until the year 9999, which takes seconds.
        if days:
            compared += 1
            assert days == list(islice(by_dateutil(case), len(days))), case
    assert compared > COUNT * 0.8


def test_rules_equal_rrule_temporal(cases):
    recorded = RECORDED.read_text().split()
    assert len(recorded) == COUNT // BLOCK
    for number, expected in enumerate(recorded):
        block = [case for case in cases[number * BLOCK : (number + 1) * BLOCK] if is_agreed(case)]
        lines = [line(case, days) for case in block if (days := expanded(case))]
        assert digest(lines) == expected, f"rules {number * BLOCK} to {(number + 1) * BLOCK}"


def test_rules_equal_a_reading_day_by_day(cases):
    for case in cases[:300]:
        assert expanded(case) == list(islice(read_day_by_day(case), MAX_OCCURRENCES)), case


def read_day_by_day(case: RuleCase) -> Iterator[date]:
    """Yield the days of a rule by asking each day of the window."""
    rule = parse(case.rule)
    # The first period begins before the series, and its days count for BYSETPOS.
    first = date(case.start.year, 1, 1) - timedelta(days=7)
    window = [first + timedelta(days=n) for n in range((case.last - first).days + 400)]
    count = 0
    for index, period in groupby(window, key=lambda day: period_index(rule, case.start, day)):
        if index < 0 or index % rule.interval:
            continue
        days = [day for day in period if is_selected(rule, case.start, day)]
        if rule.by_set_position:
            size = len(days)
            days = [day for n, day in enumerate(days) if {n + 1, n - size} & set(rule.by_set_position)]
        for day in days:
            if day < case.start:
                continue
            count += 1
            if day > case.last or (rule.until and day > rule.until) or count > (rule.count or count):
                return
            yield day


def period_index(rule: Rule, start: date, day: date) -> int:
    if rule.frequency == Frequency.DAILY:
        return (day - start).days
    if rule.frequency == Frequency.WEEKLY:
        # Day 1 of the calendar is a Monday.
        return (day.toordinal() - 1 - rule.week_start) // 7 - (start.toordinal() - 1 - rule.week_start) // 7
    if rule.frequency == Frequency.MONTHLY:
        return (day.year - start.year) * 12 + day.month - start.month
    return day.year - start.year


def is_selected(rule: Rule, start: date, day: date) -> bool:
    """Return whether a day fits all parts; those that are missing are taken from the start."""
    next_month = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    month_length = (next_month - timedelta(days=1)).day
    year_day = (day - date(day.year, 1, 1)).days + 1
    year_length = (date(day.year, 12, 31) - date(day.year, 1, 1)).days + 1
    months, month_days = rule.by_month, rule.by_month_day
    if not (rule.by_week_number or rule.by_year_day or month_days or rule.by_day):
        if rule.frequency == Frequency.WEEKLY and day.weekday() != start.weekday():
            return False
        if rule.frequency in {Frequency.MONTHLY, Frequency.YEARLY}:
            month_days = (start.day,)
        if rule.frequency == Frequency.YEARLY:
            months = months or (start.month,)
    if months and day.month not in months:
        return False
    if month_days and not {day.day, day.day - month_length - 1} & set(month_days):
        return False
    if rule.by_year_day and not {year_day, year_day - year_length - 1} & set(rule.by_year_day):
        return False
    if rule.by_week_number and not week_numbers(rule, day) & set(rule.by_week_number):
        return False
    if not rule.by_day:
        return True
    in_month = rule.frequency == Frequency.MONTHLY or rule.by_month
    number, length = (day.day, month_length) if in_month else (year_day, year_length)
    ordinals = {0, -(-number // 7), -(-(length + 1 - number) // 7) * -1}
    return any(weekday == day.weekday() and ordinal in ordinals for ordinal, weekday in rule.by_day)


def week_numbers(rule: Rule, day: date) -> set[int]:
    """Return the number of the week, from either end of its year."""
    # A week is of the year in which its fourth day lies: the weeks of a year are its days of that weekday.
    middle = day + timedelta(days=3 - (day.weekday() - rule.week_start) % 7)
    days = (date(middle.year, 1, 1) + timedelta(days=n) for n in range(366))
    middles = [other for other in days if other.year == middle.year and other.weekday() == middle.weekday()]
    index = middles.index(middle)
    return {index + 1, index - len(middles)}


def test_canonical_text_is_stable(cases):
    for case in cases[:1000]:
        rule = parse(case.rule)
        assert parse(str(rule)) == rule
        assert str(parse(str(rule))) == str(rule)


def test_search_for_a_day_that_never_comes_is_bounded():
    start = date(2026, 1, 1)
    for text in (
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;COUNT=1000;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4,6",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;BYDAY=MO",
        f"FREQ=YEARLY;INTERVAL={HORIZON_YEARS + 1}",
    ):
        began = time.monotonic()
        assert list(islice(expand(parse(text), start, after=start), 1)) == [], text
        # Alone it takes 60 ms; to the year 9999 it would be 100 times as much.
        assert time.monotonic() - began < 3


def test_rare_days_and_the_end_of_the_calendar():
    cases = [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", date(2096, 2, 29), date(2104, 2, 29)),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU", date(2032, 2, 29), date(2060, 2, 29)),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", date(2026, 3, 13), date(2026, 11, 13)),
        ("FREQ=YEARLY;BYDAY=53MO", date(2024, 1, 1), date(2024, 12, 30)),
        ("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU", date(2026, 1, 1), date(2027, 1, 3)),
    ]
    for text, start, following in cases:
        assert next(expand(parse(text), start, after=start)) == following, text
    assert list(expand(parse("FREQ=WEEKLY"), date(9998, 12, 25), after=date(9998, 12, 25))) == []
    assert MAXYEAR == 9999
