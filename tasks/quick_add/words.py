"""Words of a quick-add text, their places and escapes, and the vocabulary of dates.

The vocabulary is that of English and German.
"""

from __future__ import annotations

import calendar
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from tasks.imports.date_languages import LANGUAGES, MONTHS, RELATIVE_DAYS, UNITS, WEEKDAYS, fold

ESCAPE = "\\"
# Signs that begin a word with a meaning of its own. Typed in full width by input methods of East Asian scripts.
MARKERS = {"#": "#", "＃": "#", "@": "@", "＠": "@", "+": "+", "＋": "+", "!": "!", "！": "!", "~": "~", "～": "~"}
WORD = re.compile(r"\S+")
# What stands between quotation marks is text.
QUOTATION = re.compile(r'"[^"]*"|[“„«][^“”„«»]*[”“»]')
PUNCTUATION = ",;!"


def _meanings(spellings: str, english: Sequence[str]) -> dict[str, str]:
    """Return the English word of each German one: a space between meanings, a bar between spellings of one."""
    groups = zip(spellings.split(), english, strict=False)
    return {fold(word): meaning for alternatives, meaning in groups for word in alternatives.split("|")}


GERMAN = LANGUAGES["de"]
_MONTH_NAMES = {fold(name): name[:3].lower() for name in calendar.month_name if name}
_GERMAN_MONTHS = _meanings(GERMAN.months, MONTHS)
MONTH_WORDS = {
    **_MONTH_NAMES,
    **_GERMAN_MONTHS,
    **{word[:3]: month for word, month in (_GERMAN_MONTHS | _MONTH_NAMES).items()},
    "sept": "sep",
}
WEEKDAY_WORDS = {
    **{fold(name): fold(name)[:3] for name in calendar.day_name},
    **_meanings(GERMAN.weekdays, WEEKDAYS),
}
WEEKDAY_ABBREVIATIONS = {
    "mon": "mon", "tue": "tue", "tues": "tue", "wed": "wed", "thu": "thu", "thur": "thu", "thurs": "thu", "fri": "fri",
}  # fmt: skip
# Other words of the language too: they mean a weekday only beside another word of a date.
ENGLISH_AMBIGUOUS = {"sat": "sat", "sun": "sun"}
GERMAN_AMBIGUOUS = {"mo": "mon", "di": "tue", "mi": "wed", "do": "thu", "fr": "fri", "sa": "sat", "so": "sun"}
ANY_WEEKDAY = WEEKDAY_WORDS | WEEKDAY_ABBREVIATIONS | ENGLISH_AMBIGUOUS | GERMAN_AMBIGUOUS
DAY_WORDS = {
    "today": "today",
    "tomorrow": "tomorrow",
    "tmrw": "tomorrow",
    # Without "yesterday": a task is due later.
    **{word: day for word, day in _meanings(GERMAN.days, RELATIVE_DAYS).items() if day != "yesterday"},
}
UNIT_WORDS = {
    **{unit + ending: unit for unit in UNITS for ending in ("", "s")},
    **_meanings(GERMAN.units, UNITS),
}
HOUR_WORDS = {
    **dict.fromkeys(("hour", "hours", "stunde", "stunden", "std"), "hour"),
    **dict.fromkeys(("minute", "minutes", "min", "minuten"), "minute"),
}
NUMBER_WORDS = {
    word: number
    for number, words in enumerate(
        (
            "a an one ein eine einem einer einen", "two zwei", "three drei", "four vier", "five funf", "six sechs",
            "seven sieben", "eight acht", "nine neun", "ten zehn",
        ),
        start=1,
    )
    for word in words.split()
}  # fmt: skip
NEXT_WORDS = {"next", *_meanings(GERMAN.next, ["next"])}
THIS_WORDS = {"this", "diesen", "diese", "dieses", "kommenden"}
ENGLISH_PREPOSITIONS = {"on", "by", "due", "until", "till"}
GERMAN_PREPOSITIONS = {"am", "bis", "zum", "den", "fallig"}
PREPOSITIONS = ENGLISH_PREPOSITIONS | GERMAN_PREPOSITIONS
CLOCK_WORDS = {"at", "um", "uhr", "noon", "midnight", "pm", "mittag", "mitternacht"}
EVERY_WORDS = {"every", "each", "jeden", "jede", "jedes", "jeder", "alle"}
ADVERBS = {
    "daily": "DAILY", "weekly": "WEEKLY", "monthly": "MONTHLY", "yearly": "YEARLY", "annually": "YEARLY",
    "taglich": "DAILY", "wochentlich": "WEEKLY", "monatlich": "MONTHLY", "jahrlich": "YEARLY",
}  # fmt: skip
WORKDAY_WORDS = {"weekday", "weekdays", "workday", "workdays", "werktag", "werktags"}
WEEKDAY_ADVERBS = {f"{word}s": day for word, day in _meanings(GERMAN.weekdays, WEEKDAYS).items()}
# Words that begin a date, time or repetition, and can follow within one.
VOCABULARY = frozenset().union(
    MONTH_WORDS, ANY_WEEKDAY, DAY_WORDS, UNIT_WORDS, HOUR_WORDS, NUMBER_WORDS, NEXT_WORDS, THIS_WORDS, PREPOSITIONS,
    CLOCK_WORDS, EVERY_WORDS, ADVERBS, WORKDAY_WORDS, WEEKDAY_ADVERBS,
    {"in", "end", "of", "the", "and", "und", "other", "second", "zweite", "zweiten", "zweites", "zweiter", "after", "monatsende", "ende"},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its place in the text, in code points. A literal word is part of the title, whatever it says."""

    start: int
    end: int
    text: str
    is_literal: bool

    @property
    def marker(self) -> str:
        return "" if self.is_literal else MARKERS.get(self.text[0], "")


@dataclass(slots=True)
class Words:
    """The words of a text. `taken` holds those that have their meaning."""

    text: str
    items: list[Word]
    taken: set[int] = field(default_factory=set)
    # Folded, without punctuation at the end; empty for what is no word of a date.
    keys: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> Words:
        quotations = deque(match.span() for match in QUOTATION.finditer(text))
        items: list[Word] = []
        for match in WORD.finditer(text):
            # Each quotation is passed once: the words and the quotations come in order.
            while quotations and quotations[0][1] <= match.start():
                quotations.popleft()
            is_quoted = bool(quotations) and quotations[0][0] <= match.start()
            items.append(Word(*match.span(), match[0], is_quoted or match[0].startswith(ESCAPE)))
        keys = ["" if word.is_literal or word.marker else fold(word.text).rstrip(PUNCTUATION) for word in items]
        return cls(text=text, items=items, keys=keys)

    def key(self, index: int) -> str:
        """Return the word in small letters, without accents and punctuation; empty outside, and where it is taken."""
        return self.raw(index).rstrip(".")

    def raw(self, index: int) -> str:
        """Return the key with its full stops, which an ordinal number needs."""
        return self.keys[index] if 0 <= index < len(self.keys) and index not in self.taken else ""

    def ends(self, index: int) -> bool:
        """Return whether the title has no word here: the text ends, or something with a meaning follows."""
        return index >= len(self.items) or index in self.taken or bool(self.items[index].marker)


def escape(title: str) -> str:
    """Return a quick-add text that means this title and nothing else."""

    def escape_word(match: re.Match[str]) -> str:
        word = match[0]
        has_meaning = (
            word[0] in MARKERS
            or word[0] == ESCAPE
            or any(character.isdigit() for character in fold(word))
            or fold(word).rstrip(PUNCTUATION + ".") in VOCABULARY
        )
        return ESCAPE + word if has_meaning else word

    return WORD.sub(escape_word, title)


def unescape(text: str) -> str:
    """Return the text without the backslashes that escape words."""
    return WORD.sub(lambda match: match[0].removeprefix(ESCAPE), text)
