"""Parser of quick-add texts: "Pay rent tomorrow 9am #home @ana +bills !high ~30m every month".

Signs begin the names of a project (#), an assignee (@), a label (+), a priority (!) and an estimate (~); dates, times
and repetitions are words in English or German. A backslash before a word, or quotation marks, keep it in the title.
What can be understood in two ways stays in the title too. Each word is looked at a bounded number of times, so the
time is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import regex
from django.utils.translation import gettext

from core.text import LINE_ENDS, normalize
from tasks.imports.date_languages import fold
from tasks.models import Priority
from tasks.quick_add.dates import match_date, match_delay, match_time
from tasks.quick_add.repetition import match_repetition
from tasks.quick_add.words import Words, unescape

MAX_LENGTH = 1000
MAX_ESTIMATE = 1_000_000


class Kind(StrEnum):
    """Meaning of a span."""

    PROJECT = "project"
    ASSIGNEE = "assignee"
    LABEL = "label"
    PRIORITY = "priority"
    ESTIMATE = "estimate"
    DUE_DATE = "due_date"
    DUE_TIME = "due_time"
    DUE_AT = "due_at"
    RECURRENCE = "recurrence"


# Of the kinds of which a task has one.
KIND_NAMES = {
    Kind.PROJECT: "projects",
    Kind.PRIORITY: "priorities",
    Kind.ESTIMATE: "estimates",
    Kind.DUE_DATE: "dates",
    Kind.DUE_TIME: "times",
    Kind.DUE_AT: "times",
    Kind.RECURRENCE: "repetitions",
}
MARKED_KINDS = {"#": Kind.PROJECT, "@": Kind.ASSIGNEE, "+": Kind.LABEL}
PRIORITIES = {
    **{priority.name.lower(): priority for priority in Priority},
    **{str(priority.value): priority for priority in Priority if priority},
    "niedrig": Priority.LOW, "mittel": Priority.MEDIUM, "hoch": Priority.HIGH, "dringend": Priority.URGENT,
}  # fmt: skip
# "#1" and "+1" are text.
NAME = regex.compile(r"\p{L}")
HANDLE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,39}\Z")
ESTIMATE = re.compile(r"(?:(\d{1,6}(?:[.,]\d{1,2})?)(?:h|std))?(?:(\d{1,7})(?:min|m))?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the text with a meaning. `value` is a name for a project, assignee or label."""

    start: int
    end: int
    kind: Kind
    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Text that stays in the title, although it was perhaps meant otherwise."""

    code: str
    message: str
    start: int
    end: int


@dataclass(slots=True)
class ParsedText:
    """The spans of a text in their order; the rest is the title."""

    text: str
    spans: list[Span]
    problems: list[Problem] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The text without the spans, on one line."""
        rest, place = [], 0
        for span in self.spans:
            rest.append(self.text[place : span.start])
            place = span.end
        rest.append(self.text[place:])
        title = " ".join(filter(None, (unescape(part).strip() for part in rest)))
        return LINE_ENDS.sub(" ", normalize(title))

    def values(self, *kinds: Kind) -> list[Any]:
        """Return the values of the spans of these kinds, each once."""
        return list(dict.fromkeys(span.value for span in self.spans if span.kind in kinds))

    def first(self, *kinds: Kind) -> Any:
        return next(iter(self.values(*kinds)), None)

    def reject(self, spans: Iterable[Span], code: str, message: str) -> None:
        """Leave spans in the title, with a problem for each."""
        rejected = list(spans)
        self.spans = [span for span in self.spans if span not in rejected]
        self.problems += [Problem(code, message, span.start, span.end) for span in rejected]


def parse_text(text: str, *, now: datetime, zone: str) -> ParsedText:
    """Return what a text of at most MAX_LENGTH characters says; names are not resolved."""
    words = Words.of(text)
    today = now.astimezone(ZoneInfo(zone)).date()
    spans = [*_marked_spans(words), *_word_spans(words, now, today)]
    parsed = ParsedText(text=text, spans=sorted(spans, key=lambda span: span.start))
    for kind in KIND_NAMES:
        _reject_several(parsed, {kind})
    if parsed.values(Kind.DUE_AT):
        _reject_several(parsed, {Kind.DUE_AT, Kind.DUE_DATE, Kind.DUE_TIME})
    return parsed


def _reject_several(parsed: ParsedText, kinds: set[Kind]) -> None:
    """Leave all spans of a kind in the title where they contradict each other."""
    if len(parsed.values(*kinds)) > 1:
        spans = [span for span in parsed.spans if span.kind in kinds]
        message = gettext("The text names several %(kind)s, so they stay in the title.") % {
            "kind": KIND_NAMES[spans[0].kind]
        }
        parsed.reject(spans, f"several_{KIND_NAMES[spans[0].kind]}", message)


def _marked_spans(words: Words) -> list[Span]:
    spans = []
    for index, word in enumerate(words.items):
        marker = word.marker
        name = word.text[1:].rstrip(",;")
        if not marker or not name:
            continue
        value: Any = None
        kind = MARKED_KINDS.get(marker)
        if kind is Kind.ASSIGNEE:
            value = name.rstrip(".!").lower() if HANDLE.match(name.rstrip(".!")) else None
        elif kind is not None:
            value = name.rstrip(".!") if NAME.match(name) else None
        elif marker == "!":
            kind, value = Kind.PRIORITY, PRIORITIES.get(fold(name).rstrip(".!"))
        else:
            kind, value = Kind.ESTIMATE, _parse_estimate(name)
        if value is not None:
            words.taken.add(index)
            spans.append(Span(word.start, word.end, kind, value, word.text))
    return spans


def _parse_estimate(text: str) -> int | None:
    """Return the minutes of "1h30m", "1.5h" or "90min"; None for anything else."""
    parts = ESTIMATE.match(text.lower())
    if not text or not parts:
        return None
    minutes = round(float((parts[1] or "0").replace(",", ".")) * 60) + int(parts[2] or 0)
    return minutes if 0 < minutes <= MAX_ESTIMATE else None


def _word_spans(words: Words, now: datetime, today: date) -> list[Span]:
    """Match repetitions, then delays and dates, then times: "every Monday" is no date."""
    spans: list[Span] = []
    # Of dates and repetitions, beside which a time needs no other sign.
    ends_of_dates: set[int] = set()
    begins_of_dates: set[int] = set()

    def take(begin: int, end: int, kind: Kind, value: Any) -> int:
        start, stop = words.items[begin].start, words.items[end - 1].end
        spans.append(Span(start, stop, kind, value, words.text[start:stop]))
        words.taken.update(range(begin, end))
        return end

    # From the end: whether a word is the last of the title depends on what follows it.
    for index in reversed(range(len(words.items))):
        if repetition := match_repetition(words, index):
            ends_of_dates.add(take(index, repetition[0], Kind.RECURRENCE, str(repetition[1])))
    index = 0
    while index < len(words.items):
        if delay := match_delay(words, index, now):
            index = take(index, delay[0], Kind.DUE_AT, delay[1])
        elif day := match_date(words, index, today):
            begins_of_dates.add(index)
            index = take(index, day[0], Kind.DUE_DATE, day[1])
            ends_of_dates.add(index)
        else:
            index += 1
    index = 0
    while index < len(words.items):
        clock = match_time(words, index, beside_date=index in ends_of_dates)
        if clock is None:
            clock = match_time(words, index, beside_date=True)
            # The date follows: "at 9 on Monday".
            clock = clock if clock and clock[0] in begins_of_dates else None
        index = take(index, clock[0], Kind.DUE_TIME, clock[1]) if clock else index + 1
    return spans
