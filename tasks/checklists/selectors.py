from __future__ import annotations

import uuid
from typing import NamedTuple

from django.db.models import QuerySet

from accounts.models import User
from core.db import get_or_404
from tasks.models import ChecklistItem, Task


def list_items(task: Task) -> QuerySet[ChecklistItem]:
    """Return the items of a task's checklist with their assignees."""
    return ChecklistItem.objects.filter(task=task).with_relations()


def get_item(task: Task, item_id: uuid.UUID) -> ChecklistItem:
    """Return one item of a task's checklist. Raises NotFound."""
    return get_or_404(list_items(task).filter(pk=item_id), "There is no such checklist item.")


class Checklist(NamedTuple):
    """All items of a task's checklist in their order, and how many are done."""

    items: list[ChecklistItem]
    done_count: int


def checklist_panel(_reader: User, task: Task) -> Checklist:
    """Return the checklist as the page of the task shows it."""
    items = list(list_items(task).order_by("position"))
    return Checklist(items, sum(item.is_done for item in items))
