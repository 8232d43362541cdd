"""Positions as text: between any two there is always another, so a move writes one row.

A position is a fraction in base 62 written without its leading `0.`; text order (collation C) is its order.
It never ends in `0`, so there is room before every one of them.
"""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE = len(ALPHABET)
# Enough for 62 ** 6 tasks in a project.
NUMBER_WIDTH = 6


def initial_position(number: int) -> str:
    """Return the position of a new last task: tasks in the order of their numbers, in the upper half of the range."""
    digits = []
    for _ in range(NUMBER_WIDTH):
        number, digit = divmod(number, BASE)
        digits.append(ALPHABET[digit])
    # V is the middle of the alphabet: there is room before and after each new task. With z, the last digit, in front
    # there is also room before all of them.
    # "z", the last digit: whatever is moved to the front lies before all initial positions.
    return "z" + "".join(reversed(digits)) + "V"


def position_between(before: str, after: str) -> str:
    """Return a short position strictly between two; an empty `before` or `after` means the very beginning or end."""
    if after and before >= after:
        raise ValueError(f"{before!r} does not come before {after!r}")
    digits = ""
    # Ends: each turn goes one digit deeper, and beyond the longer of the two there is always room.
    while True:
        index = len(digits)
        low = ALPHABET.index(before[index]) if index < len(before) else 0
        high = ALPHABET.index(after[index]) if index < len(after) else BASE
        if high - low > 1:
            return digits + ALPHABET[(low + high) // 2]
        # No digit lies between: go one digit deeper, where `after` no longer limits if the digits differ.
        digits += ALPHABET[low]
        if high - low == 1:
            after = ""
