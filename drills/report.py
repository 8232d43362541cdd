"""Output of a drill: progress, a table, and one line with the verdict."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence


class Progress:
    """Prints lines with the seconds since the drill started."""

    def __init__(self) -> None:
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def print_line(self, text: str) -> None:
        print(f"{self.seconds:6.1f} s  {text}", flush=True)


def print_table(rows: Iterable[Sequence[object]]) -> None:
    """Print rows in aligned columns; the first row is the header."""
    cells = [[str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_verdict(name: str, results: Mapping[str, bool]) -> int:
    """Print which guarantees hold, or those that do not, and return the exit code."""
    failed = [guarantee for guarantee, holds in results.items() if not holds]
    print(f"{name}: {'FAILED: ' + '; '.join(failed) if failed else 'passed: ' + '; '.join(results)}", flush=True)
    return 1 if failed else 0


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed; 0 if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def format_percentile(values: Sequence[float], share: float) -> str:
    return f"{percentile(values, share) * 1000:.1f} ms"
