from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.contrib.postgres.aggregates import ArrayAgg, BoolOr
from django.db.models import Count, Min, Q, QuerySet

from accounts.models import User
from tasks.comments import selectors as comments_selectors
from tasks.models import Comment, Reaction, Task

MAX_NAMES = 10


def list_reactions(task: Task, comment_id: uuid.UUID | None = None) -> QuerySet[Reaction]:
    """Return the reactions to a task, or to a comment of it, with their users. Raises NotFound."""
    if comment_id is not None:
        comments_selectors.get_comment(task, comment_id)
    return Reaction.objects.filter(task=task, comment=comment_id).select_related("user")


class ReactionGroup(NamedTuple):
    """All reactions to one object with one emoji: their number, the first names, and whether the reader's is among them."""

    emoji: str
    number: int
    names: list[str]
    is_own: bool

    @property
    def title(self) -> str:
        """Return the names, and how many more there are."""
        more = self.number - len(self.names)
        return ", ".join(self.names) + (f" and {more} more" if more else "")


def reactions_panel(
    reader: User, task: Task, comments: Iterable[Comment]
) -> Mapping[uuid.UUID | None, list[ReactionGroup]]:
    """Return the reactions to a task under None, and to these comments under their ids; one query for all."""
    visible = Q(comment=None) | Q(comment__in=[comment.pk for comment in comments])
    rows = Reaction.objects.filter(visible, task=task).values("comment_id", "emoji")
    grouped = rows.annotate(
        count=Count("pk"),
        names=ArrayAgg("user__name", order_by=["created_at", "pk"]),
        is_own=BoolOr(Q(user=reader.pk)),
        first=Min("created_at"),
    )
    groups: dict[uuid.UUID | None, list[ReactionGroup]] = defaultdict(list)
    for row in grouped.order_by("first", "emoji"):
        group = ReactionGroup(row["emoji"], row["count"], row["names"][:MAX_NAMES], row["is_own"])
        groups[row["comment_id"]].append(group)
    return groups
