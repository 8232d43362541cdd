from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from accounts.models import User
from core.db import get_or_404
from core.errors import NotFound, require
from tasks import policies
from tasks.items import selectors as items_selectors
from tasks.link_shares.tokens import parse_token
from tasks.models import Comment, LinkShare, Task
from tasks.projects import selectors as projects_selectors

LINK_NOT_FOUND = gettext_noop(
    "This link does not work. It may have expired, or the person who shared it has revoked it."
)
MAX_COMMENTS = 100


def list_links(user: User, ref: str) -> QuerySet[LinkShare]:
    """Return the usable links to a task, for those who may share it. Raises NotFound, NotAllowed."""
    task = items_selectors.get_task(user, ref)
    role = projects_selectors.project_role(user, task.project)
    require(policies.can_share(role), "Only editors of the project may see the links to its tasks.")
    return usable_links(task)


def usable_links(task: Task) -> QuerySet[LinkShare]:
    """Return the links to a task that work."""
    return LinkShare.objects.usable().filter(task=task).select_related("creator")


def get_link(user: User, ref: str, link_id: uuid.UUID) -> LinkShare:
    """Return one usable link. Raises NotFound, NotAllowed."""
    return get_or_404(list_links(user, ref).filter(pk=link_id), "There is no such link.")


def get_link_by_token(token: str) -> LinkShare:
    """Return the usable link of a token with its task. Raises NotFound.

    It works as long as its creator may share the task: whoever has left the project must not read on by a link.
    """
    link_id = parse_token(token)
    links = LinkShare.objects.usable().filter(creator__is_active=True).select_related("creator")
    if link := links.filter(pk=link_id).first() if link_id else None:
        link.task = Task.objects.with_relations().get(pk=link.task_id)
        if policies.can_share(projects_selectors.project_role(link.creator, link.task.project)):
            return link
    raise NotFound(LINK_NOT_FOUND)


def newest_comments(task: Task) -> Sequence[Comment]:
    """Return the newest comments of a task, oldest first."""
    return list(Comment.objects.filter(task=task).with_relations().order_by("-pk")[:MAX_COMMENTS])[::-1]
