from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import User
from core.db import uuid7


class BulkJob(models.Model):
    """A change, deletion or restoration by a worker, being too large for a request.

    `changes` are those of many tasks, `object_id` is a deleted object or an entry of the trash; `error` says why it
    failed.
    """

    class Kind(models.TextChoices):
        UPDATE = "update", gettext_lazy("Change")
        DELETE_PROJECT = "delete_project", gettext_lazy("Deletion")
        DELETE_LABEL = "delete_label", gettext_lazy("Deletion of a label")
        DELETE_TASK = "delete_task", gettext_lazy("Deletion of a task")
        DELETE_SECTION = "delete_section", gettext_lazy("Deletion of a section")
        RESTORE = "restore", gettext_lazy("Restoration")

    class State(models.TextChoices):
        QUEUED = "queued", gettext_lazy("Waiting")
        DONE = "done", gettext_lazy("Done")
        FAILED = "failed", gettext_lazy("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="bulk_jobs")
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.UPDATE)
    object_id = models.UUIDField(null=True, editable=False)
    title = models.CharField(max_length=560, default="")
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
                name="a_bulk_job_has_tasks_or_an_object",
                condition=Q(kind="update", object_id=None) | (~Q(kind="update") & Q(object_id__isnull=False)),
            ),
            models.CheckConstraint(
                name="a_bulk_job_state_is_known", condition=Q(state__in=["queued", "done", "failed"])
            ),
            models.UniqueConstraint(
                fields=["user"], condition=Q(state="queued"), name="a_user_has_one_waiting_bulk_change"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.state}"
