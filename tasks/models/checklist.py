from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Deferrable, Q
from django.utils import timezone

from core.db import uuid7
from tasks.models.task import Task

MAX_ITEMS = 100


class ChecklistItemQuerySet(models.QuerySet["ChecklistItem"]):
    def with_relations(self) -> Self:
        return self.select_related("assignee")


class ChecklistItem(models.Model):
    """A line of a task's checklist. `position` counts from 0, without gaps."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Without an index of its own: that of the unique constraint begins with the column.
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="checklist", db_index=False)
    text = models.CharField(max_length=500)
    is_done = models.BooleanField(default=False)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="checklist_items"
    )
    due_date = models.DateField(null=True, blank=True)
    position = models.PositiveSmallIntegerField()
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    done_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ChecklistItemQuerySet.as_manager()

    class Meta:
        constraints = [
            # Deferred, since moving an item passes through equal positions.
            models.UniqueConstraint(
                fields=["task", "position"],
                name="a_checklist_item_has_its_own_position",
                deferrable=Deferrable.DEFERRED,
            ),
            models.CheckConstraint(name="a_checklist_item_is_not_empty", condition=~Q(text="")),
            models.CheckConstraint(
                name="a_checklist_item_is_done_at_a_time",
                condition=Q(is_done=True, done_at__isnull=False) | Q(is_done=False, done_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.text
