from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from core.errors import NotFound
from events.models import Event
from events.selectors import facts_about
from gateway.fields import UUID
from gateway.pagination import Slice, Sort, Window, take
from tasks.models import Comment, Project, Task
from tasks.querysets import KEY, TaskQuerySet
from tasks.selectors.projects import project_id_or_nowhere, role_in

SHOWN = ("task.created", "task.updated", "task.commented")
SORTS = {
    "created_at": Sort("created_at"),
    "updated_at": Sort("updated_at"),
    "priority": Sort("priority"),
    "title": Sort("title"),
    "number": Sort("number"),
    "position": Sort("position"),
    "due_date": Sort("due_date", nullable=True),
    "due_at": Sort("due_at", nullable=True),
    "start_date": Sort("start_date", nullable=True),
    "closed_at": Sort("closed_at", nullable=True),
    "estimate": Sort("estimate", nullable=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilters:
    """What a list of tasks is narrowed by; an empty value narrows nothing.

    `now` and `today` are the reader's clock and calendar: `overdue` is asked against them. `guest` is the reader's id if
    they see single tasks of foreign projects: what these are part of is asked as they see it.
    """

    now: datetime
    today: date
    search: str = ""
    project: str | uuid.UUID = ""
    status: list[str] = field(default_factory=list)
    category: list[str] = field(default_factory=list)
    priority: list[int] = field(default_factory=list)
    assignee: list[str] = field(default_factory=list)
    creator: list[str] = field(default_factory=list)
    label: list[str] = field(default_factory=list)
    parent: str = ""
    overdue: bool | None = None
    due_after: date | None = None
    due_before: date | None = None
    updated_since: datetime | None = None
    guest: Any = None


def parse_ref(text: str) -> uuid.UUID | tuple[str, int]:
    """Read a task's id or human key (`OPS-42`); anything else names nothing."""
    if UUID.match(text):
        return uuid.UUID(text)
    if found := KEY.match(text):
        return found[1].upper(), int(found[2])
    raise NotFound("There is no such task.")


def get_task(user: User, ref: str | uuid.UUID) -> Task:
    """The question behind GET, the answer to PATCH, and the task's page."""
    found = Task.objects.visible_to(user).with_people().at(parse_ref(str(ref))).first()
    if found is None:
        raise NotFound("There is no such task.")
    if found.parent_id and user.is_guest and found.parent_id not in visible_among(user, {found.parent_id}):
        found.parent = None
    return found


def visible_among(user: User, task_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    return set(Task.objects.visible_to(user).filter(pk__in=task_ids).values_list("pk", flat=True))


def sees_it_alone(user: User, task: Task) -> bool:
    """Whether somebody sees a task only because it was shared with them: not what happened around it."""
    return user.is_guest and role_in(user, task.project) is None


def lock_home(user: User, ref: str | uuid.UUID) -> Project:
    """The project of a visible task, locked until the end of the transaction: before the task is."""
    home = Task.objects.visible_to(user).at(parse_ref(str(ref))).values_list("project_id", flat=True).first()
    if home is None:
        raise NotFound("There is no such task.")
    return Project.objects.select_for_update(no_key=True).get(pk=home)


def list_tasks(user: User, filters: TaskFilters, window: Window) -> Slice[Task]:
    return take(filtered(user, filters).with_people(), window)


def filtered(user: User, filters: TaskFilters) -> TaskQuerySet:
    """The visible tasks that pass every filter."""
    return narrowed(Task.objects.visible_to(user), resolved(user, filters))


def resolved(user: User, filters: TaskFilters) -> TaskFilters:
    """The same filters with the reader's words (`me`, a project's key) replaced by ids."""
    return replace(
        filters,
        project=project_id_or_nowhere(user, filters.project) if filters.project else "",
        assignee=[_me(user, key) for key in filters.assignee],
        creator=[_me(user, key) for key in filters.creator],
        guest=user.pk if user.is_guest and not user.is_overseer else None,
    )


def narrowed(rows: TaskQuerySet, filters: TaskFilters) -> TaskQuerySet:
    for name, value in given(filters):
        rows = NARROWINGS[name](rows, value, filters)
    return rows


def given(filters: TaskFilters) -> Iterator[tuple[str, Any]]:
    for name in NARROWINGS:
        value = getattr(filters, name)
        if value not in ("", [], None):
            yield name, value


Narrowing = Callable[[TaskQuerySet, Any, TaskFilters], TaskQuerySet]
NARROWINGS: dict[str, Narrowing] = {
    "project": lambda rows, key, _: rows.filter(project=key),
    "status": lambda rows, slugs, _: rows.filter(state__slug__in=slugs),
    "category": lambda rows, names, _: rows.in_categories(names),
    "priority": lambda rows, numbers, _: rows.filter(priority__in=numbers),
    "assignee": lambda rows, people, _: rows.assigned_to(people),
    "creator": lambda rows, people, _: rows.created_by(people),
    "label": lambda rows, names, _: rows.labelled(names),
    "parent": lambda rows, key, asked: rows.under(key, guest=asked.guest),
    "overdue": lambda rows, wanted, asked: rows.overdue(asked.now, asked.today, is_it=wanted),
    "due_after": lambda rows, day, _: rows.due_from(day),
    "due_before": lambda rows, day, _: rows.due_until(day),
    "updated_since": lambda rows, instant, _: rows.filter(updated_at__gte=instant),
    "search": lambda rows, words, _: rows.matching(words),
}


def _me(user: User, key: str) -> str:
    return str(user.pk) if key == "me" else key


def subtasks(user: User, task: Task) -> QuerySet[Task]:
    return Task.objects.visible_to(user).filter(parent=task).with_people().order_by("position")


def comments(task: Task) -> QuerySet[Comment]:
    return Comment.objects.filter(task=task).with_people()


def get_comment(task: Task, comment_id: uuid.UUID) -> Comment:
    found = comments(task).filter(pk=comment_id).first()
    if found is None:
        raise NotFound("There is no such comment.")
    return found


def get_own_comment(author: User, task: Task, comment_id: uuid.UUID) -> Comment:
    """For changing it: what others wrote is as if it were not there."""
    found = comments(task).filter(pk=comment_id, author=author).first()
    if found is None:
        raise NotFound("There is no such comment of yours.")
    return found


def activity(task: Task) -> QuerySet[Event]:
    """What happened to a task, from the log itself; sort by -id for newest first."""
    return facts_about(task.pk, names=SHOWN)
