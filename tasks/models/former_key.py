from __future__ import annotations

from django.db import models
from django.utils import timezone

from core.db import uuid7
from tasks.models.task import Task


class FormerTaskKey(models.Model):
    """A key that a task had in another project; it goes on leading to the task.

    The key of the project is a text: it leads to the task also when that project has been deleted.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="former_keys")
    project_key = models.CharField(max_length=10)
    number = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project_key", "number"], name="a_former_key_leads_to_one_task"),
        ]

    def __str__(self) -> str:
        return f"{self.project_key}-{self.number}"
