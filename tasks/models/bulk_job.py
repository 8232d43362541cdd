from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from core.db import uuid7


class BulkJob(models.Model):
    """A change of many tasks by a worker. `changes` are those of the request, `error` says why it failed."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="bulk_jobs")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    task_ids = ArrayField(models.UUIDField())
    changes: models.JSONField[dict[str, Any]] = models.JSONField()
    total = models.PositiveIntegerField()
    updated = models.PositiveIntegerField(default=0)
    error = models.TextField(default="")
    # Signed for the user, to undo the whole change.
    undo_token = models.CharField(max_length=200, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_bulk_job_state_is_known", condition=Q(state__in=["queued", "done", "failed"])
            ),
            models.UniqueConstraint(
                fields=["user"], condition=Q(state="queued"), name="a_user_has_one_waiting_bulk_change"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.total} tasks {self.state}"
