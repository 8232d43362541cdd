"""What a write reads under its lock: each question is a statement that Django writes once."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from accounts.models import User
from core.errors import NotFound
from core.sql_templates import Param, Statement, from_row, select_columns
from tasks.events import TaskPayload, task_payload
from tasks.items.selectors import parse_ref
from tasks.models import Label, Project, State, Task, TaskAssignee


def lock_project_of_task(user: User, ref: str | uuid.UUID) -> Project:
    """The project of a visible task, locked until the end of the transaction: before the task is."""
    home = Task.objects.visible_to(user).by_ref(parse_ref(str(ref))).values_list("project_id", flat=True).first()
    if home is None:
        raise NotFound("There is no such task.")
    return Project.objects.select_for_update(no_key=True).get(pk=home)


class TaskRelations(NamedTuple):
    """The people of a task, and its labels by id."""

    assignee_ids: set[uuid.UUID]
    labels: dict[uuid.UUID, str]


def lock_task(user: User, ref: str | uuid.UUID) -> Task:
    """A visible task, locked until the end of the transaction, with its project and state."""
    at = parse_ref(str(ref))
    by_key = isinstance(at, tuple)
    values = {"key": at[0], "number": at[1]} if isinstance(at, tuple) else {"id": at}
    found = _lock_statement(user.is_staff_or_admin, user.is_guest, by_key).run({"reader": user.pk, **values})
    if not found:
        raise NotFound("There is no such task.")
    task = from_row(Task, found[0])
    _attach_project(task)
    return task


def get_relations(task: Task) -> TaskRelations:
    assignee_ids, ids, names = _relations_statement().run({"id": task.pk})[0]
    return TaskRelations(set(assignee_ids), dict(zip(ids, names, strict=True)))


def _attach_project(task: Task) -> None:
    """Give the task its state and project.

    They are not joined to the locked row: one who waited for the lock would look for the new row's state among
    the old rows, find none, and be told that there is no such task.
    """
    row = _state_and_project_statement().run({"id": task.state_id})[0]
    width = len(select_columns(State))
    task.state, task.project = from_row(State, row[:width]), from_row(Project, row[width:])
    task.state.project = task.project


@lru_cache(maxsize=8)
def _lock_statement(overseer: bool, guest: bool, by_key: bool) -> Statement:
    at = ("key", "number") if by_key else ("id",)
    named = {"key": "project__key", "number": "number", "id": "pk"}
    seen = Task.objects.visible_to_id(Param("reader"), overseer=overseer, guest=guest)
    rows = seen.filter(**{named[name]: Param(name) for name in at})
    return Statement.always(rows.select_for_update(of=("self",), no_key=True).values_list(*select_columns(Task)))


@lru_cache(maxsize=1)
def _state_and_project_statement() -> Statement:
    states = State.objects.filter(pk=Param("id"))
    return Statement.always(
        states.values_list(*select_columns(State), *(f"project__{name}" for name in select_columns(Project)))
    )


@lru_cache(maxsize=1)
def _relations_statement() -> Statement:
    assignee_ids = TaskAssignee.objects.filter(task=OuterRef("pk"))
    labels = Label.objects.filter(tasks=OuterRef("pk")).order_by("pk")
    found = Task.objects.filter(pk=Param("id")).values_list(
        ArraySubquery(assignee_ids.values("user_id")),
        ArraySubquery(labels.values("pk")),
        ArraySubquery(labels.values("name")),
    )
    return Statement.always(found)


def load_task_payload(task: Task) -> TaskPayload:
    """A task as facts tell of it, with who is assigned and labelled by now."""
    links = get_relations(task)
    return task_payload(task, assignee_ids=links.assignee_ids, labels=links.labels.values())
