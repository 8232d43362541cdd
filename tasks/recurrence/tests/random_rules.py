"""Random recurrence rules, the same for a seed on every version of Python: only `Random.random` is promised to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import NamedTuple, TypeVar

T = TypeVar("T")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# How far and how much of each series is compared.
WINDOW = timedelta(days=1500)
MAX_OCCURRENCES = 25


class RuleCase(NamedTuple):
    """A rule, the first day of its series, and the last day that is compared."""

    rule: str
    start: date
    last: date


class RuleGenerator:
    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def cases(self, count: int) -> Iterator[RuleCase]:
        for _ in range(count):
            start = date(2020, 1, 1) + timedelta(days=self._below(4000))
            rule = self._rule()
            if "FREQ=WEEKLY" in rule and "BYSETPOS" in rule:
                # dateutil takes the first week from the start of the series, RFC 5545 from the start of the week.
                start -= timedelta(days=start.weekday())
                rule = rule.partition(";WKST")[0]
            yield RuleCase(rule, start, start + WINDOW)

    def _below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _choice(self, items: Sequence[T]) -> T:
        return items[self._below(len(items))]

    def _some(self, items: Sequence[T], most: int) -> list[T]:
        return sorted({self._choice(items) for _ in range(1 + self._below(most))}, key=items.index)

    def _numbers(self, high: int, most: int, *, signed: bool = True) -> str:
        numbers = [n for n in range(-high if signed else 1, high + 1) if n]
        return ",".join(map(str, self._some(numbers, most)))

    def _rule(self) -> str:
        frequency = self._choice(("DAILY", "WEEKLY", "MONTHLY", "YEARLY"))
        parts = [f"FREQ={frequency}"]
        if self._chance(0.6):
            parts.append(f"INTERVAL={self._choice((1, 2, 3, 4, 5, 7, 12))}")
        parts += self._end()
        by_parts = list(self._by_parts(frequency))
        parts += by_parts
        if by_parts and frequency != "DAILY" and self._chance(0.25):
            parts.append(f"BYSETPOS={self._numbers(4, 2)}")
        if self._chance(0.3):
            parts.append(f"WKST={self._choice(DAYS)}")
        return ";".join(parts)

    def _end(self) -> list[str]:
        chance = self._random.random()
        if chance < 0.25:
            return [f"COUNT={1 + self._below(20)}"]
        if chance < 0.5:
            return [f"UNTIL={2024 + self._below(9)}{1 + self._below(12):02}{1 + self._below(28):02}"]
        return []

    def _by_parts(self, frequency: str) -> Iterator[str]:
        is_yearly = frequency == "YEARLY"
        if has_months := self._chance(0.3):
            yield f"BYMONTH={self._numbers(12, 4, signed=False)}"
        if frequency != "WEEKLY" and self._chance(0.35):
            yield f"BYMONTHDAY={self._numbers(31, 5)}"
        if is_yearly and self._chance(0.15):
            yield f"BYYEARDAY={self._numbers(366, 12)}"
        if is_yearly and self._chance(0.2):
            yield f"BYWEEKNO={self._numbers(40, 5)}"
            yield f"BYDAY={','.join(self._some(DAYS, 3))}"
        elif frequency in {"MONTHLY", "YEARLY"} and self._chance(0.25):
            # Numbered days alone: dateutil takes the days that are both, where they stand beside others.
            ordinals = (1, 2, 3, 4, 5, -1, -2, -3) if has_months or not is_yearly else (1, 2, -1, 20, -20)
            yield "BYDAY=" + ",".join({f"{self._choice(ordinals)}{day}": None for day in self._some(DAYS, 3)})
        elif self._chance(0.4):
            yield f"BYDAY={','.join(self._some(DAYS, 4))}"
