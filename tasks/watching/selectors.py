from __future__ import annotations

import uuid
from typing import NamedTuple

from django.db.models import Q, QuerySet

from accounts.models import User
from tasks.items import selectors as items_selectors
from tasks.models import Comment, Task, TaskAssignee, TaskWatch


def watchers(task_id: uuid.UUID) -> QuerySet[User]:
    """Return the users who watch a task: by choice, or as its creator, assignee or commenter unless they opted out."""
    choices = TaskWatch.objects.filter(task=task_id)
    involved = (
        Q(pk__in=choices.filter(is_watching=True).values("user"))
        | Q(pk__in=Task.objects.filter(pk=task_id).values("creator"))
        | Q(pk__in=TaskAssignee.objects.filter(task=task_id).values("user"))
        | Q(pk__in=Comment.objects.filter(task=task_id).values("author"))
    )
    return User.objects.active().filter(involved).exclude(pk__in=choices.filter(is_watching=False).values("user"))


def list_watchers(user: User, ref: str) -> QuerySet[User]:
    """Return the watchers of a task that the user may know of. Raises NotFound."""
    task = items_selectors.get_task(user, ref)
    rows = watchers(task.pk)
    # A guest sees the task, not the people of its project.
    return rows.filter(pk=user.pk) if items_selectors.has_share_only_access(user, task) else rows


class WatchersPanel(NamedTuple):
    """Watchers of a task, and whether the reader is one."""

    users: list[User]
    is_watching: bool


def watchers_panel(reader: User, task: Task) -> WatchersPanel:
    """Return the watchers as the page of the task shows them."""
    users = list(watchers(task.pk).order_by("name", "pk"))
    return WatchersPanel(users, any(user.pk == reader.pk for user in users))
