"""Word diff of two texts, bounded in time for any input."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple

# Comparisons of words, beyond which lines are compared, and beyond which the texts are shown as a whole.
MAX_COMPARISONS = 4_000_000
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")


class DiffPart(NamedTuple):
    """A run of text: `op` is equal, delete or insert."""

    op: str
    text: str


def diff_words(before: str, after: str) -> list[DiffPart]:
    """Return what was deleted and inserted, in reading order; joined without the insertions it is `before`."""
    for pattern in (_WORDS, _LINES):
        old, new = pattern.findall(before), pattern.findall(after)
        start = _common_length(old, new)
        end = _common_length(old[start:][::-1], new[start:][::-1])
        middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
        if len(middle_old) * len(middle_new) <= MAX_COMPARISONS:
            parts = [DiffPart("equal", "".join(old[:start]))]
            parts += _compare(middle_old, middle_new)
            parts.append(DiffPart("equal", "".join(old[len(old) - end :])))
            return [part for part in parts if part.text]
    return [part for part in (DiffPart("delete", before), DiffPart("insert", after)) if part.text]


def _common_length(old: list[str], new: list[str]) -> int:
    return next((index for index, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def _compare(old: list[str], new: list[str]) -> list[DiffPart]:
    parts = []
    # Without autojunk, which would take frequent words of long texts for noise.
    for op, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if op == "equal":
            parts.append(DiffPart("equal", "".join(old[i:j])))
            continue
        parts.append(DiffPart("delete", "".join(old[i:j])))
        parts.append(DiffPart("insert", "".join(new[k:m])))
    return parts
