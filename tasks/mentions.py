"""Mentions: users named as @handle in a comment or description."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import regex
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from events import selectors as events_selectors
from tasks.sharing import selectors as sharing_selectors

# A handle may follow a word of a script without spaces, but not a word of one with spaces: that is an email address.
MENTION_PATTERN = regex.compile(
    r"(?<![[\p{L}\p{M}\p{N}_.@-]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]])"
    r"[@＠]([a-zA-Z0-9][a-zA-Z0-9._-]{0,39})",
    regex.V1,
)
# A tag of sanitised HTML; its attributes are in quotes.
_TAG_PATTERN = regex.compile(r"""(<[/a-z][^>"]*+(?:"[^"]*+"[^>"]*+)*+>)""")


def find_handles(text: str) -> set[str]:
    """Return the handles that a text names. A sentence may end with one: "@ana." means ana."""
    return {handle.lower().rstrip(".-_") for handle in MENTION_PATTERN.findall(text)}


def highlight_mentions(html: str, names: Mapping[str, str], own_handle: str) -> SafeString:
    """Return rendered Markdown with the handles of these people marked, outside links and code.

    `names` are by handle in lower case. Handles that the reader does not know stay text.
    """
    if "@" not in html and "＠" not in html:
        return mark_safe(html)  # noqa: S308 -- sanitised when it was rendered

    def mark(match: regex.Match[str]) -> str:
        handle = match[1].rstrip(".-_")
        name = names.get(handle.lower())
        if name is None:
            return match[0]
        kind = "mention own" if handle.lower() == own_handle.lower() else "mention"
        marked = format_html('<span class="{}" title="{}">{}</span>', kind, name, f"@{handle}")
        return f"{marked}{match[1][len(handle) :]}"

    parts, depth = _TAG_PATTERN.split(html), 0
    for place, part in enumerate(parts):  # text and tags by turns
        if place % 2:
            depth += {"<a": 1, "</a": -1, "<code": 1, "</code": -1}.get(part.rstrip(">").split()[0], 0)
        elif not depth:
            parts[place] = MENTION_PATTERN.sub(mark, part)
    return mark_safe("".join(parts))  # noqa: S308 -- names are escaped


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
