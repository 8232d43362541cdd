"""Relations between two tasks. One row each, read from both sides."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from core.db import uuid7
from tasks.models.task import Task

MAX_RELATIONS = 100


class RelationKind(models.TextChoices):
    """Kind of a relation, as its source says it of its target."""

    BLOCKS = "blocks", gettext_lazy("Blocks")
    RELATES = "relates", gettext_lazy("Relates to")
    DUPLICATES = "duplicates", gettext_lazy("Duplicates")
    FOLLOWS = "follows", gettext_lazy("Follows")


class TaskRelation(models.Model):
    """A relation of a task to another one. It is never changed, only added and removed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Without an index of its own: that of the unique constraint begins with the column.
    source = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="relations", db_index=False)
    target = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="inverse_relations")
    kind = models.CharField(max_length=10, choices=RelationKind)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "target", "kind"], name="two_tasks_are_related_once_in_a_way"),
            models.CheckConstraint(name="a_task_is_not_related_to_itself", condition=~Q(source=F("target"))),
            models.CheckConstraint(name="a_relation_is_of_a_known_kind", condition=Q(kind__in=RelationKind.values)),
            # It is the same from both sides, so one order of the two stands for it.
            models.CheckConstraint(
                name="a_symmetric_relation_is_stored_once",
                condition=~Q(kind=RelationKind.RELATES) | Q(source__lt=F("target")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.kind} {self.target_id}"
