"""Columns of a task that its readers see: the one list behind the API, its OpenAPI schema and a write's response.

A list reads them with one statement instead of model instances, and shows them without a serializer. That takes 5
microseconds for a task where the serializer takes 400; a test compares the two byte for byte.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import date, datetime
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import DateTimeField, F, Func, OuterRef, TextField, Value
from django.db.models.functions import Cast

from accounts.models import User
from core.sql_templates import Statement
from tasks.items.progress import NO_PROGRESS, progress_columns
from tasks.models import Label
from tasks.models.task import PRIORITY_NAMES, TaskQuerySet

# The fields of the API in their order.
FIELD_NAMES = (
    "id", "key", "number", "project", "title", "description", "status", "category", "priority", "start_date", "due_date",
    "due_at", "estimate", "parent", "section", "creator", "assignees", "labels", "progress", "position", "is_recurring",
    "version",
    "created_at", "updated_at", "started_at", "closed_at",
)  # fmt: skip
# Fields that a list has only where they are requested: one is long, the other takes time for each task.
LIST_EXTRAS = ("description", "progress")


class TaskColumns(NamedTuple):
    """Columns of one task. `assignee_rows` are [id, name, handle, role]; a list may leave out the description.

    `subtask_counts` and `checklist_counts` are [all, closed]; null for none.
    `due_instant` is read only where it is the order of a list.
    """

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
    section_id: uuid.UUID | None
    section_name: str | None
    creator_id: uuid.UUID
    creator_name: str
    creator_handle: str
    creator_role: str
    position: str
    is_recurring: bool
    version: int
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    closed_at: datetime | None
    assignee_rows: list[list[str]]
    label_names: list[str]
    due_instant: datetime | None
    title_key: str
    subtask_counts: list[int] | None
    checklist_counts: list[int] | None
    description: str | None = None

    def to_json(self, *, include: Collection[str] = LIST_EXTRAS) -> dict[str, Any]:
        """Return the task as the API shows it, in the order of FIELD_NAMES; `include` names LIST_EXTRAS."""
        parent = None
        if self.parent_id is not None:
            key = f"{self.parent_key}-{self.parent_number}"
            parent = {"id": self.parent_id, "key": key, "title": self.parent_title}
        subtasks, checklist = self.subtask_counts or (0, 0), self.checklist_counts or (0, 0)
        row: dict[str, Any] = {
            "id": self.id,
            "key": f"{self.project_key}-{self.number}",
            "number": self.number,
            "project": {"id": self.project_id, "key": self.project_key, "name": self.project_name},
            "title": self.title,
            "description": self.description,
            "status": self.status,
            "category": self.category,
            "priority": PRIORITY_NAMES[self.priority],
            "start_date": self.start_date,
            "due_date": self.due_date,
            "due_at": self.due_at,
            "estimate": self.estimate,
            "parent": parent,
            "section": {"id": self.section_id, "name": self.section_name} if self.section_id else None,
            "creator": {
                "id": self.creator_id,
                "name": self.creator_name,
                "handle": self.creator_handle,
                "role": self.creator_role,
            },
            "assignees": [
                {"id": user_id, "name": name, "handle": handle, "role": role}
                for user_id, name, handle, role in self.assignee_rows
            ],
            "labels": sorted(self.label_names),
            "progress": {
                "subtasks": {"total": subtasks[0], "done": subtasks[1]},
                "checklist": {"total": checklist[0], "done": checklist[1]},
            },
            "position": self.position,
            "is_recurring": self.is_recurring,
            "version": self.version,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "started_at": self.started_at,
            "closed_at": self.closed_at,
        }
        for name in LIST_EXTRAS:
            if name not in include:
                del row[name]
        return row


# Columns of other tables, reached by joins.
JOINED_COLUMNS = {
    "project_key": F("project__key"),
    "project_name": F("project__name"),
    "status": F("state__slug"),
    "parent_key": F("parent__project__key"),
    "parent_number": F("parent__number"),
    "parent_title": F("parent__title"),
    "section_name": F("section__name"),
    "creator_name": F("creator__name"),
    "creator_handle": F("creator__handle"),
    "creator_role": F("creator__role"),
}
TEXT_ARRAY = ArrayField(TextField())


def select_task_columns(tasks: TaskQuerySet, *, include: frozenset[str]) -> Statement | None:
    """Return the statement that reads these tasks as TaskColumns; None when no task can match."""
    user = Func(
        Cast("pk", TextField()), "name", "handle", "role", template="ARRAY[%(expressions)s]", output_field=TEXT_ARRAY
    )
    # In the order of TaskQuerySet.with_relations, so that both representations of a task are equal.
    assignees = User.objects.filter(assignments__task=OuterRef("pk")).order_by("name", "pk").values(row=user)
    labels = Label.objects.filter(tasks=OuterRef("pk")).values("name")
    names = [name for name in TaskColumns._fields if name != "description" or name in include]
    if "due_instant" not in tasks.query.annotations:
        tasks = tasks.annotate(due_instant=Value(None, DateTimeField()))
    annotated = tasks.annotate(
        **JOINED_COLUMNS,
        assignee_rows=ArraySubquery(assignees),
        **(progress_columns() if "progress" in include else NO_PROGRESS),
        label_names=ArraySubquery(labels),
    )
    return Statement.of(annotated.values_list(*names))
