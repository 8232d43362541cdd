"""What is remembered about tasks: the key, the life and the end of each answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction

from core.cache import raise_generations, remember

STATS_SECONDS = 60


def stats(user_id: uuid.UUID, scope: str, *, build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The counts one person sees; ended by forget_for, which every write to a task or a membership calls."""
    return remember(str(user_id), f"stats:{scope}", seconds=STATS_SECONDS, build=build)


def forget_for(people: Callable[[], Iterable[uuid.UUID]]) -> None:
    """`people` is asked when the transaction is committed."""
    transaction.on_commit(lambda: raise_generations([str(key) for key in people()]), robust=True)
