from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from core.db import uuid7
from core.validators import validate_single_line
from tasks.models.project import Project


class TaskTemplate(models.Model):
    """Values with which a new task of a project begins, see task_templates/content.py."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Without an index of its own: that of the unique constraint begins with the column.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="task_templates", db_index=False)
    name = models.CharField(max_length=120, validators=[validate_single_line])
    content: models.JSONField[dict[str, Any]] = models.JSONField()
    version = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint("project", Lower("name"), name="a_task_template_has_its_own_name_in_a_project"),
        ]

    def __str__(self) -> str:
        return self.name
