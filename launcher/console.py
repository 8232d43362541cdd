"""Output to the terminal, and the error that is shown without a traceback."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

ANSI_COLORS = (36, 32, 33, 35, 34, 96, 92, 95)


class LaunchError(Exception):
    """Error that the user can fix: shown as a paragraph, without a traceback."""

    def __init__(self, explanation: str, *, log: Path | None = None) -> None:
        super().__init__(explanation)
        self.log = log


def supports_color() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def print_line(text: str = "") -> None:
    print(text, flush=True)


def print_step(text: str) -> None:
    print_line(f"\x1b[1m==> {text}\x1b[0m" if supports_color() else f"==> {text}")


def print_if_open(text: str) -> None:
    """Print while stopping, when the terminal may be closed already."""
    with contextlib.suppress(OSError, ValueError):
        print_line(text)


def log_prefix(name: str, index: int) -> str:
    """Return the prefix of a process's log lines, colored on a terminal."""
    # As wide as "scheduler".
    label = f"{name:<9} | "
    return f"\x1b[{ANSI_COLORS[index % len(ANSI_COLORS)]}m{label}\x1b[0m" if supports_color() else label


def print_error(error: LaunchError) -> None:
    print(f"\nTaskFlow: {error}", file=sys.stderr)
    if error.log is not None:
        print(f"Log: {error.log}", file=sys.stderr)
