from __future__ import annotations

from django.db import models
from django.utils import timezone

from tasks.models.project import Project
from tasks.models.task import Task


class ImportedRecord(models.Model):
    """A task or comment imported from a file; the same file adds nothing again.

    `task` is the task it became, or the one commented on. It is null once that was deleted, so a deleted task does not
    come back with the next import.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imported_records")
    source = models.CharField(max_length=20)
    # A SHA-256 of the contents in hexadecimal: Todoist's files hold no ids.
    external_id = models.CharField(max_length=64)
    task = models.ForeignKey(Task, on_delete=models.SET_NULL, null=True, related_name="imported_records")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "source", "external_id"], name="a_record_is_imported_once_into_a_project"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.external_id[:12]}"
