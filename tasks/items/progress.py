"""Progress of tasks: how many of their direct subtasks, and of their checklist's items, are done."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, Func, IntegerField, OuterRef, Subquery, Value

from accounts.models import User
from tasks.models import ChecklistItem, Task

COUNTS = ArrayField(IntegerField())
NO_PROGRESS = {"subtask_counts": Value(None, COUNTS), "checklist_counts": Value(None, COUNTS)}


def guest_id(user: User) -> uuid.UUID | None:
    """Return the id of a user who may see some tasks of a project alone; None for all others."""
    return user.pk if user.is_guest else None


def progress_columns(*, guest: Any = None) -> dict[str, Subquery]:
    """Return the columns [all, done] of a task's subtasks and checklist; null for none, by an index each.

    A guest's counts are of the subtasks that the guest sees.
    """
    tasks = Task.objects.visible_to_id(guest, as_staff=False, guest=True) if guest else Task.objects.all()
    subtasks = tasks.filter(parent=OuterRef("pk")).order_by().values("parent")
    items = ChecklistItem.objects.filter(task=OuterRef("pk")).order_by().values("task")
    return {
        "subtask_counts": Subquery(subtasks.annotate(row=_counts("closed_at")).values("row")),
        "checklist_counts": Subquery(items.annotate(row=_counts("done_at")).values("row")),
    }


def _counts(done: str) -> Func:
    return Func(Count("pk"), Count(done), template="ARRAY[%(expressions)s]", output_field=COUNTS)


def visible_subtask_counts(user: User, task_ids: Collection[uuid.UUID]) -> dict[uuid.UUID | None, list[int]]:
    """Return [all, done] of the subtasks that a user sees, by task; without those that have none."""
    rows = Task.objects.visible_to(user).filter(parent__in=task_ids).order_by().values("parent")
    return dict(rows.annotate(row=_counts("closed_at")).values_list("parent", "row"))
