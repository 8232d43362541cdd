from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db.models import QuerySet

from accounts.models import User
from core.api.fields import UUID_PATTERN
from core.api.pagination import Page, PageRequest, paginate
from core.errors import NotFound
from events import selectors
from events.models import Event
from tasks.filters.selectors import TaskFilters, filter_visible
from tasks.models import Task
from tasks.models.task import TASK_KEY_PATTERN
from tasks.projects import selectors as projects_selectors

ACTIVITY_EVENTS = ("task.created", "task.updated", "task.commented")


def parse_ref(text: str) -> uuid.UUID | tuple[str, int]:
    """Read a task's id or human key (`OPS-42`); anything else names nothing."""
    if UUID_PATTERN.match(text):
        return uuid.UUID(text)
    if found := TASK_KEY_PATTERN.match(text):
        return found[1].upper(), int(found[2])
    raise NotFound("There is no such task.")


def get_task(user: User, ref: str | uuid.UUID) -> Task:
    """The question behind GET, the answer to PATCH, and the task's page."""
    found = Task.objects.visible_to(user).with_relations().by_ref(parse_ref(str(ref))).first()
    if found is None:
        raise NotFound("There is no such task.")
    if found.parent_id and user.is_guest and found.parent_id not in visible_ids(user, {found.parent_id}):
        found.parent = None
    return found


def visible_ids(user: User, task_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    return set(Task.objects.visible_to(user).filter(pk__in=task_ids).values_list("pk", flat=True))


def has_share_only_access(user: User, task: Task) -> bool:
    """Whether somebody sees a task only because it was shared with them: not what happened around it."""
    return user.is_guest and projects_selectors.project_role(user, task.project) is None


def list_tasks(user: User, filters: TaskFilters, window: PageRequest) -> Page[Task]:
    return paginate(filter_visible(user, filters).with_relations(), window)


def list_subtasks(user: User, task: Task) -> QuerySet[Task]:
    return Task.objects.visible_to(user).filter(parent=task).with_relations().order_by("position")


def list_activity(task: Task) -> QuerySet[Event]:
    """What happened to a task, from the log itself; sort by -id for newest first."""
    return selectors.events_about(task.pk, names=ACTIVITY_EVENTS)
