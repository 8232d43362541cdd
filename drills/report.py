"""How a drill says what it found: a table, and one line that is the verdict."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence


class Progress:
    """Lines with the seconds since the drill began."""

    def __init__(self) -> None:
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def print_line(self, words: str) -> None:
        print(f"{self.seconds:6.1f} s  {words}", flush=True)


def print_table(rows: Iterable[Sequence[object]]) -> None:
    """Print rows in columns; the first one holds the heads."""
    words = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*words, strict=True)]
    for row in words:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_verdict(name: str, promises: Mapping[str, bool]) -> int:
    """Print what held; returns the exit code."""
    broken = [words for words, held in promises.items() if not held]
    print(f"{name}: {'BROKEN: ' + '; '.join(broken) if broken else 'held: ' + '; '.join(promises)}", flush=True)
    return 1 if broken else 0


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def format_percentile(values: Sequence[float], share: float) -> str:
    return f"{percentile(values, share) * 1000:.1f} ms"
