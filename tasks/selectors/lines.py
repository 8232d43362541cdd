"""What a task shows in the API's answers, as the columns of one statement instead of model instances."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, OuterRef, TextField
from django.db.models.functions import Cast

from core.prepared import Statement
from tasks.models import Label, Task
from tasks.querysets import TaskQuerySet


class Line(NamedTuple):
    """One task; its `people` are [id, name, handle, role] each. The description only where it was asked for."""

    id: uuid.UUID
    number: int
    project_id: uuid.UUID
    project_key: str
    project_name: str
    title: str
    status: str
    category: str
    priority: int
    start_date: date | None
    due_date: date | None
    due_at: datetime | None
    estimate: int | None
    parent_id: uuid.UUID | None
    parent_key: str | None
    parent_number: int | None
    parent_title: str | None
    creator_id: uuid.UUID
    creator_name: str
    creator_handle: str
    creator_role: str
    position: str
    version: int
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    closed_at: datetime | None
    people: list[list[str]]
    label_names: list[str]
    description: str | None = None


PATHS = {
    "project_key": F("project__key"),
    "project_name": F("project__name"),
    "status": F("state__slug"),
    "parent_key": F("parent__project__key"),
    "parent_number": F("parent__number"),
    "parent_title": F("parent__title"),
    "creator_name": F("creator__name"),
    "creator_handle": F("creator__handle"),
    "creator_role": F("creator__role"),
}
TEXTS = ArrayField(TextField())


def lines(rows: TaskQuerySet, *, described: bool) -> Statement | None:
    """Return the statement that reads these tasks as the values of `Line`."""
    people: Any = Task._meta.get_field("assignees").related_model
    person = Func(
        Cast("pk", TextField()), "name", "handle", "role", template="ARRAY[%(expressions)s]", output_field=TEXTS
    )
    assigned = people.objects.filter(assignments__task=OuterRef("pk")).order_by("name", "pk").values(words=person)
    labels = Label.objects.filter(tasks=OuterRef("pk")).values("name")
    names = [name for name in Line._fields if described or name != "description"]
    shown = rows.annotate(
        **PATHS,
        people=ArraySubquery(assigned),
        label_names=ArraySubquery(labels),
    )
    return Statement.of(shown.values_list(*names))
