"""Output of a drill: progress, a table, and one line with the verdict."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple


class Check(NamedTuple):
    """A figure that a drill has measured, and the bound within which the guarantee holds."""

    figure: str
    bound: str
    holds: bool


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


def print_verdict(name: str, checks: Sequence[Check]) -> int:
    """Print all checks, or those that do not hold, and return the exit code.

    `make drills` names a file in DRILL_REPORT, from which it makes one table of all drills.
    """
    if path := os.environ.get("DRILL_REPORT"):
        Path(path).write_text(json.dumps(checks))
    failed = [check for check in checks if not check.holds]
    listing = "; ".join(f"{figure} (bound: {bound})" for figure, bound, _ in failed or checks)
    print(f"{name}: {'FAILED' if failed else 'passed'}: {listing}", flush=True)
    return 1 if failed else 0


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed; 0 if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def format_percentile(values: Sequence[float], share: float) -> str:
    return f"{percentile(values, share) * 1000:.1f} ms"
