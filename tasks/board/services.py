"""Moves of cards on a board: to another status, beside another card or to an end of a column."""

from __future__ import annotations

import uuid
from datetime import datetime

from accounts.models import User
from core.etags import merge_changes
from tasks.board.selectors import end_of_column
from tasks.items import ordering
from tasks.models import Task


def move_card(
    *,
    actor: User,
    task: Task,
    status: str,
    now: datetime,
    before: uuid.UUID | None = None,
    after: uuid.UUID | None = None,
    place: str = "",
    seen: str = "",
    versions: frozenset[int] | None = None,
) -> Task:
    """Move a card to a status, beside a neighbour or to the `top` or `bottom`.

    `seen` is the status that the actor has seen: only another one is a conflict. Raises NotFound, NotAllowed, Conflict,
    Invalid, VersionConflict.
    """
    if place and not (before or after):
        # None in an empty column, where the status says all.
        end = end_of_column(actor, task.project, status, is_top=place == "top", without=task.pk)
        before, after = (end, None) if place == "top" else (None, end)
    is_elsewhere = status != task.state.slug or not (before or after)
    return merge_changes(
        lambda versions: ordering.move(
            actor=actor,
            ref=str(task.pk),
            now=now,
            before=before,
            after=after,
            status=status if is_elsewhere else None,
            versions=versions,
        ),
        versions,
        # Another place in the column is no conflict: the last move decides.
        {"position": task.position, "status": seen},
    )
