"""Positions as text: between any two there is always another, so a move writes one row.

A position is a fraction in base 62 written without its leading `0.`; text order (collation C) is its order.
It never ends in `0`, so there is room before every one of them.
"""

from __future__ import annotations

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE = len(DIGITS)
NUMBER_DIGITS = 6


def at_end(number: int) -> str:
    """Return the position of a new last task: tasks in the order of their numbers, in the upper half of the range."""
    digits = []
    for _ in range(NUMBER_DIGITS):
        number, digit = divmod(number, BASE)
        digits.append(DIGITS[digit])
    return "z" + "".join(reversed(digits)) + "V"


def between(before: str, after: str) -> str:
    """Return a short position strictly between two; an empty `before` or `after` means the very beginning or end."""
    if after and before >= after:
        raise ValueError(f"{before!r} does not come before {after!r}")
    found = ""
    while True:
        index = len(found)
        low = DIGITS.index(before[index]) if index < len(before) else 0
        high = DIGITS.index(after[index]) if index < len(after) else BASE
        if high - low > 1:
            return found + DIGITS[(low + high) // 2]
        found += DIGITS[low]
        if high - low == 1:
            after = ""
