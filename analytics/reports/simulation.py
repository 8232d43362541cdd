"""Monte Carlo simulation of a completion date from weekly throughput. Pure, and equal for equal input."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

TRIALS = 1000
# Five years: a forecast beyond them is none.
MAX_WEEKS = 260
# Fewer would repeat one lucky week for ever.
MIN_SAMPLE_WEEKS = 4


def working_weeks(weekly: Sequence[int]) -> tuple[int, ...]:
    """Return the weeks from the first with a completed task, at least four: before, no work had begun."""
    first = next((week for week, count in enumerate(weekly) if count), 0)
    return tuple(weekly[min(first, max(0, len(weekly) - MIN_SAMPLE_WEEKS)) :])


def days_needed(weekly: Sequence[int], remaining: int, *, speed: float = 1.0) -> list[int | None]:
    """Return the days that each trial takes, ascending; None for a trial that does not end in five years.

    Each trial draws its weeks from the observed ones (bootstrap, with replacement). `speed` scales them.
    """
    if remaining <= 0:
        return [0] * TRIALS
    if not any(weekly) or speed <= 0:
        return [None] * TRIALS
    # Of the data, so that the same data give the same forecast to everybody.
    generator = random.Random(f"{list(weekly)} {remaining} {speed:.4f}")  # noqa: S311 -- no secret
    ends = sorted(_trial(generator, weekly, remaining, speed) for _ in range(TRIALS))
    return [None if math.isinf(days) else int(days) for days in ends]


def _trial(generator: random.Random, weekly: Sequence[int], remaining: int, speed: float) -> float:
    left = float(remaining)
    for week in range(MAX_WEEKS):
        done = generator.choice(weekly) * speed
        if done >= left:
            # The last week ends in proportion to what is left.
            return math.ceil((week + left / done) * 7)
        left -= done
    return math.inf


def totals_expected(weekly: Sequence[int], weeks: int, shares: Sequence[float]) -> tuple[int, ...]:
    """Return the least number of completed tasks for each share of the trials."""
    generator = random.Random(f"{list(weekly)} {weeks}")  # noqa: S311 -- no secret
    totals = sorted((sum(generator.choices(weekly, k=weeks)) for _ in range(TRIALS)), reverse=True)
    return tuple(totals[max(0, math.ceil(share * TRIALS) - 1)] for share in shares)


def day_at(days: Sequence[int | None], share: float) -> int | None:
    """Return the days within which this share of the trials ends (nearest rank)."""
    return days[max(0, math.ceil(share * len(days)) - 1)]
