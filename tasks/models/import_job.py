from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import User
from core.db import uuid7
from tasks.models.project import Project


class ImportJob(models.Model):
    """An import of a large file.

    A worker checks the file first, and imports it when the user has seen the report. `data` is the file until the job has
    ended. `report` is what the page shows, `error` why the job failed.
    """

    class State(models.TextChoices):
        CHECKING = "checking", gettext_lazy("Reading the file")
        CHECKED = "checked", gettext_lazy("Ready to import")
        IMPORTING = "importing", gettext_lazy("Importing")
        DONE = "done", gettext_lazy("Imported")
        FAILED = "failed", gettext_lazy("Failed")

    RUNNING = (State.CHECKING, State.IMPORTING)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="import_jobs")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="import_jobs")
    source = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=State, default=State.CHECKING)
    data = models.BinaryField(default=bytes)
    report: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)
    error = models.TextField(default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="an_import_job_state_is_known",
                condition=Q(state__in=["checking", "checked", "importing", "done", "failed"]),
            ),
            # A worker reads one large file of each user at a time.
            models.UniqueConstraint(
                fields=["user"], condition=Q(state__in=["checking", "importing"]), name="a_user_has_one_running_import"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="import_job_age")]

    def __str__(self) -> str:
        return f"{self.source} {self.state}"

    @property
    def is_running(self) -> bool:
        return self.state in self.RUNNING
