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
    """Print a line. Output that is closed or full must not end the processes that run."""
    try:
        print(text, flush=True)
    except BrokenPipeError:  # `make run | head`
        # Python would report what is still in its buffer once more at the exit.
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
    except (OSError, ValueError):
        pass  # a full disk, or a terminal that has gone; the log has the line as well


def print_step(text: str) -> None:
    print_line(f"\x1b[1m==> {text}\x1b[0m" if supports_color() else f"==> {text}")


def log_prefix(name: str, index: int) -> str:
    """Return the prefix of a process's log lines, colored on a terminal."""
    # As wide as "scheduler".
    label = f"{name:<9} | "
    return f"\x1b[{ANSI_COLORS[index % len(ANSI_COLORS)]}m{label}\x1b[0m" if supports_color() else label


def print_error(error: LaunchError) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(f"\nTaskFlow: {error}", file=sys.stderr)
        if error.log is not None:
            print(f"Log: {error.log}", file=sys.stderr)
