"""Repetitions within a quick-add text: "every 2 weeks", "jeden Montag", "monthly"."""

from __future__ import annotations

from datetime import date, timedelta

from tasks.quick_add.dates import DAY_OF_MONTH, NUMBER
from tasks.quick_add.words import (
    ADVERBS,
    ANY_WEEKDAY,
    EVERY_WORDS,
    NUMBER_WORDS,
    UNIT_WORDS,
    WEEKDAY_ADVERBS,
    WORKDAY_WORDS,
    Words,
)
from tasks.recurrence.rules import MAX_INTERVAL, Frequency, Rule

FREQUENCIES = {
    "day": Frequency.DAILY,
    "week": Frequency.WEEKLY,
    "month": Frequency.MONTHLY,
    "year": Frequency.YEARLY,
}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKWEEK = tuple((0, day) for day in range(5))
SECOND_WORDS = {"other", "second", "zweite", "zweiten", "zweites", "zweiter"}

RuleMatch = tuple[int, Rule] | None


def match_repetition(words: Words, index: int) -> RuleMatch:
    """Return the rule of the repetition at a word, and the index after it."""
    key = words.key(index)
    if key not in EVERY_WORDS:
        return _match_adverb(words, index, key)
    place, interval = index + 1, 1
    following = words.key(place)
    if following in SECOND_WORDS:
        place, interval = place + 1, 2
    elif (NUMBER.match(following) or following in NUMBER_WORDS) and words.raw(place) == following:
        interval = int(following) if following.isdigit() else NUMBER_WORDS[following]
        place += 1
    if not 1 <= interval <= MAX_INTERVAL:
        return None
    unit = words.key(place)
    if unit in UNIT_WORDS:
        return place + 1, Rule(frequency=FREQUENCIES[UNIT_WORDS[unit]], interval=interval)
    if unit in WORKDAY_WORDS and interval == 1:
        return place + 1, Rule(frequency=Frequency.WEEKLY, by_day=WORKWEEK)
    if unit in ANY_WEEKDAY:
        return _match_weekdays(words, place, interval)
    day = DAY_OF_MONTH.match(words.raw(place))
    if day and day[2] and interval == 1 and 1 <= int(day[1]) <= 31 and words.ends(place + 1):
        return place + 1, Rule(frequency=Frequency.MONTHLY, by_month_day=(int(day[1]),))
    return None


def _match_weekdays(words: Words, place: int, interval: int) -> RuleMatch:
    """Match "Monday, Wed and Fri": at most the seven days."""
    days = {WEEKDAYS.index(ANY_WEEKDAY[words.key(place)])}
    place += 1
    while True:
        follows = place + (words.key(place) in {"and", "und", "&"})
        has_comma = words.items[place - 1].text.endswith(",") or follows > place
        if not has_comma or words.key(follows) not in ANY_WEEKDAY:
            rule = Rule(frequency=Frequency.WEEKLY, interval=interval, by_day=tuple((0, day) for day in sorted(days)))
            return place, rule
        days.add(WEEKDAYS.index(ANY_WEEKDAY[words.key(follows)]))
        place = follows + 1


def _match_adverb(words: Words, index: int, key: str) -> RuleMatch:
    # "Write the weekly report": an adjective, unless the title is over.
    if index == 0 or not words.ends(index + 1):
        return None
    if key in ADVERBS:
        return index + 1, Rule(frequency=Frequency(ADVERBS[key]))
    if key in WEEKDAY_ADVERBS:
        day = WEEKDAYS.index(WEEKDAY_ADVERBS[key])
        return index + 1, Rule(frequency=Frequency.WEEKLY, by_day=((0, day),))
    return (index + 1, Rule(frequency=Frequency.WEEKLY, by_day=WORKWEEK)) if key == "werktags" else None


def first_day(rule: Rule, since: date) -> date:
    """Return the first day of the rule, from `since` on."""
    weekdays = {day for _, day in rule.by_day}
    # A day of the month is at most 62 days away: the 31st after a month of 30 days.
    for distance in range(63):
        day = since + timedelta(days=distance)
        if (not weekdays or day.weekday() in weekdays) and (not rule.by_month_day or day.day in rule.by_month_day):
            return day
    return since
