"""What is remembered about tasks: the key, the life and the end of each answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction

from core.cache import bump_generations, get_or_build
from tasks.models import Project
from tasks.projects import selectors as projects_selectors

STATS_TTL = 60


def cached_stats(user_id: uuid.UUID, scope: str, *, build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The counts one person sees; ended by forget_for, which every write to a task or a membership calls."""
    return get_or_build(str(user_id), f"stats:{scope}", seconds=STATS_TTL, build=build)


def invalidate_for(people: Callable[[], Iterable[uuid.UUID]]) -> None:
    """`people` is asked when the transaction is committed."""
    transaction.on_commit(lambda: bump_generations([str(key) for key in people()]), robust=True)


def invalidate_viewers(project: Project, *left: uuid.UUID) -> None:
    """End what is remembered for everybody who can see this project, and for who could, once the change is committed.

    They are asked for only then: who joins before the commit has perhaps read, and remembers, what was true until it.
    """
    key = project.pk
    invalidate_for(lambda: {*left, *projects_selectors.viewer_ids([key])})
