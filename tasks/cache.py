"""Cached results about tasks: key, lifetime and invalidation of each."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from typing import Any

from django.db import transaction

from core.cache import bump_generations, get_or_build
from tasks.models import Project
from tasks.projects import selectors as projects_selectors

# Ages and overdue tasks change with the clock, without a write that would invalidate them.
STATS_TTL = 60


def cached_stats(user_id: uuid.UUID, scope: str, *, build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the counts of a user's visible tasks, cached until `invalidate_viewers` or for STATS_TTL seconds."""
    return get_or_build(str(user_id), f"stats:{scope}", seconds=STATS_TTL, build=build)


def invalidate_viewers(project: Project, *former_viewers: uuid.UUID) -> None:
    """Invalidate, on commit, what is cached for each user who can see the project.

    `former_viewers` could see it until this write. The viewers are read after the commit, since a user who joins just
    before it may have cached the previous state.
    """
    project_id = project.pk  # None on the instance once it is deleted

    def invalidate() -> None:
        viewers = {*former_viewers, *projects_selectors.viewer_ids([project_id])}
        bump_generations([str(user_id) for user_id in viewers])

    # robust: the write has been committed, so an error here must not fail its request.
    transaction.on_commit(invalidate, robust=True)


def invalidate_viewers_of(project_ids: Collection[uuid.UUID]) -> None:
    """Invalidate, on commit, what is cached for the viewers of these projects."""

    def invalidate() -> None:
        bump_generations([str(user_id) for user_id in projects_selectors.viewer_ids(project_ids)])

    transaction.on_commit(invalidate, robust=True)
