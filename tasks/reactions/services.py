"""Writes of reactions: add and remove an emoji, without events, since each is undone by the other."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, require
from tasks import policies
from tasks.comments import selectors as comments_selectors
from tasks.items import selectors as items_selectors
from tasks.models import Reaction
from tasks.reactions.emoji import parse_emoji

# Different emoji of one task or comment; each may come from any number of users.
MAX_EMOJI = 20


@transaction.atomic
def add(*, actor: User, ref: str, emoji: str, comment_id: uuid.UUID | None = None) -> Reaction:
    """Let the actor react to a task, or to a comment of it; once more, it changes nothing.

    Raises NotFound, NotAllowed, Conflict, Invalid.
    """
    key = _lock_target(actor, ref, emoji, comment_id)
    if reaction := Reaction.objects.filter(**key, user=actor).first():
        return reaction
    target = {name: value for name, value in key.items() if name != "emoji"}
    # Under the lock of the task, so that two requests at once do not pass the limit.
    present = set(Reaction.objects.filter(**target).values_list("emoji", flat=True).distinct())
    if key["emoji"] not in present and len(present) >= MAX_EMOJI:
        raise Conflict(
            gettext("At most %(max_emoji)s different emoji; use one that is there.") % {"max_emoji": MAX_EMOJI},
            code="too_many",
        )
    return Reaction.objects.create(**key, user=actor)


@transaction.atomic
def remove(*, actor: User, ref: str, emoji: str, comment_id: uuid.UUID | None = None) -> None:
    """Take the actor's reaction back; without one, it changes nothing.

    Raises NotFound, NotAllowed, Conflict, Invalid.
    """
    Reaction.objects.filter(**_lock_target(actor, ref, emoji, comment_id), user=actor).delete()


def _lock_target(actor: User, ref: str, emoji: str, comment_id: uuid.UUID | None) -> dict[str, object]:
    locked = items_selectors.lock_task(actor, ref)
    if comment_id is not None:
        comments_selectors.get_comment(locked.task, comment_id)
    require(policies.can_comment(locked.role), "You may read this task, not react to it.")
    policies.require_not_archived(locked.task.project)
    return {"task": locked.task, "comment_id": comment_id, "emoji": parse_emoji(emoji)}
