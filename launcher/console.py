"""What the person at the terminal sees, and the one error that is meant for them."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

COLOURS = (36, 32, 33, 35, 34, 96, 92, 95)


class LaunchError(Exception):
    """Something the person can act on: shown as a paragraph, without a traceback."""

    def __init__(self, explanation: str, *, log: Path | None = None) -> None:
        super().__init__(explanation)
        self.log = log


def coloured() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def say(text: str = "") -> None:
    print(text, flush=True)


def step(text: str) -> None:
    say(f"\x1b[1m==> {text}\x1b[0m" if coloured() else f"==> {text}")


def whisper(text: str) -> None:
    """Say something while stopping, when the terminal may be gone already."""
    with contextlib.suppress(OSError, ValueError):
        say(text)


def prefix(name: str, place: int) -> str:
    label = f"{name:<9} | "
    return f"\x1b[{COLOURS[place % len(COLOURS)]}m{label}\x1b[0m" if coloured() else label


def explain(error: LaunchError) -> None:
    print(f"\nTaskFlow: {error}", file=sys.stderr)
    if error.log is not None:
        print(f"Log: {error.log}", file=sys.stderr)
