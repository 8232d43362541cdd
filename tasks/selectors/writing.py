"""What a write reads under its lock: each question is a statement that Django writes once."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from accounts.models import User
from core.errors import NotFound
from core.prepared import Bind, Statement, instance, names_of
from tasks.models import Label, Project, State, Task, TaskAssignee
from tasks.selectors.tasks import parse_ref


class Links(NamedTuple):
    """The people of a task, and its labels by id."""

    people: set[uuid.UUID]
    labels: dict[uuid.UUID, str]


def lock_task(user: User, ref: str | uuid.UUID) -> Task:
    """A visible task, locked until the end of the transaction, with its project and state."""
    at = parse_ref(str(ref))
    by_key = isinstance(at, tuple)
    values = {"key": at[0], "number": at[1]} if isinstance(at, tuple) else {"id": at}
    found = _locking(user.is_overseer, user.is_guest, by_key).run({"reader": user.pk, **values})
    if not found:
        raise NotFound("There is no such task.")
    task = instance(Task, found[0])
    _put_home(task)
    return task


def links_of(task: Task) -> Links:
    people, ids, names = _linking().run({"id": task.pk})[0]
    return Links(set(people), dict(zip(ids, names, strict=True)))


def _put_home(task: Task) -> None:
    """Give the task its state and project.

    They are not joined to the locked row: one who waited for the lock would look for the new row's state among
    the old rows, find none, and be told that there is no such task.
    """
    row = _homes().run({"id": task.state_id})[0]
    width = len(names_of(State))
    task.state, task.project = instance(State, row[:width]), instance(Project, row[width:])
    task.state.project = task.project


@lru_cache(maxsize=8)
def _locking(overseer: bool, guest: bool, by_key: bool) -> Statement:
    at = ("key", "number") if by_key else ("id",)
    named = {"key": "project__key", "number": "number", "id": "pk"}
    seen = Task.objects.seen_by(Bind("reader"), overseer=overseer, guest=guest)
    rows = seen.filter(**{named[name]: Bind(name) for name in at})
    return Statement.always(rows.select_for_update(of=("self",), no_key=True).values_list(*names_of(Task)))


@lru_cache(maxsize=1)
def _homes() -> Statement:
    states = State.objects.filter(pk=Bind("id"))
    return Statement.always(states.values_list(*names_of(State), *(f"project__{name}" for name in names_of(Project))))


@lru_cache(maxsize=1)
def _linking() -> Statement:
    people = TaskAssignee.objects.filter(task=OuterRef("pk"))
    labels = Label.objects.filter(tasks=OuterRef("pk")).order_by("pk")
    found = Task.objects.filter(pk=Bind("id")).values_list(
        ArraySubquery(people.values("user_id")),
        ArraySubquery(labels.values("pk")),
        ArraySubquery(labels.values("name")),
    )
    return Statement.always(found)
