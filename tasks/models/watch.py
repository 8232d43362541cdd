from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.db import uuid7
from tasks.models.task import Task


class TaskWatch(models.Model):
    """A user's choice to watch a task or not to.

    Without a row a task is watched by its creator, its assignees and whoever commented on it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Without an index of its own: that of the unique constraint begins with the column.
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="watches", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="task_watches")
    is_watching = models.BooleanField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "user"], name="a_user_chooses_once_to_watch_a_task")]

    def __str__(self) -> str:
        return f"{self.user_id} {'watches' if self.is_watching else 'does not watch'} {self.task_id}"
