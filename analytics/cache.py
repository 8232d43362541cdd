"""What this app remembers: whole answers of `overview` and `daily`, ended by the next fact that is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.cache import forget_after_commit, remember

T = TypeVar("T")
SCOPE = "analytics"
# A process that dies between its commit and the forgetting leaves an old answer for this long, not longer.
SECONDS = 60


def answer(name: str, build: Callable[[], T]) -> T:
    return remember(SCOPE, name, seconds=SECONDS, build=build)


def forget() -> None:
    forget_after_commit([SCOPE])
