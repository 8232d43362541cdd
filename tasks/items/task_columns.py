"""What a task shows in the API's answers, as the columns of one statement instead of model instances."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, OuterRef, TextField
from django.db.models.functions import Cast

from core.sql_templates import Statement
from tasks.models import Label, Task
from tasks.models.task import TaskQuerySet


class TaskColumns(NamedTuple):
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
    assignee_rows: list[list[str]]
    label_names: list[str]
    description: str | None = None


RELATED_COLUMNS = {
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
TEXT_ARRAY = ArrayField(TextField())


def select_task_columns(rows: TaskQuerySet, *, include_description: bool) -> Statement | None:
    """Return the statement that reads these tasks as the values of `Line`."""
    assignee_rows: Any = Task._meta.get_field("assignees").related_model
    user = Func(
        Cast("pk", TextField()), "name", "handle", "role", template="ARRAY[%(expressions)s]", output_field=TEXT_ARRAY
    )
    assigned = assignee_rows.objects.filter(assignments__task=OuterRef("pk")).order_by("name", "pk").values(words=user)
    labels = Label.objects.filter(tasks=OuterRef("pk")).values("name")
    names = [name for name in TaskColumns._fields if include_description or name != "description"]
    shown = rows.annotate(
        **RELATED_COLUMNS,
        assignee_rows=ArraySubquery(assigned),
        label_names=ArraySubquery(labels),
    )
    return Statement.of(shown.values_list(*names))
