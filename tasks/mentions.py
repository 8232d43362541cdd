"""Mentions: users named as @handle in a comment or description."""

from __future__ import annotations

import uuid

import regex

from accounts.models import User
from events import selectors as events_selectors
from tasks.sharing import selectors as sharing_selectors

# A handle may follow a word of a script without spaces, but not a word of one with spaces: that is an email address.
MENTION_PATTERN = regex.compile(
    r"(?<![[\p{L}\p{M}\p{N}_.@-]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]])"
    r"[@＠]([a-zA-Z0-9][a-zA-Z0-9._-]{0,39})",
    regex.V1,
)


def find_handles(text: str) -> set[str]:
    """Return the handles that a text names. A sentence may end with one: "@ana." means ana."""
    return {handle.lower().rstrip(".-_") for handle in MENTION_PATTERN.findall(text)}


def newly_mentioned(*, actor: User, task_id: uuid.UUID, text: str, before: str = "", comment_id: str = "") -> list[str]:
    """Return the ids of the users to notify of a text, in order.

    They are readers of the task, since a mention must not reveal it, and were neither named in the text before nor
    notified of this comment or description.
    """
    handles = find_handles(text) - find_handles(before)
    if not handles:
        return []
    named = User.objects.active().filter(handle__in=handles).exclude(pk=actor.pk).values_list("pk", flat=True)
    ids = {str(user.pk) for user in sharing_selectors.active_readers(task_id, named)}
    if ids and before:
        for event in events_selectors.events_about(task_id, names=("task.commented", "task.mentioned")):
            if event.payload.get("comment_id", "") == comment_id:
                ids -= set(event.payload.get("mentioned_ids", ()))
    return sorted(ids)
