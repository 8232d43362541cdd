from __future__ import annotations

from django.db import models
from django.utils import timezone

from core.db import uuid7
from core.validators import validate_single_line
from tasks.models.project import Project


class Section(models.Model):
    """A section of a project's tasks, such as a phase or a component."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sections")
    name = models.CharField(max_length=120, validators=[validate_single_line])
    position = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            # Referenced by the composite foreign key of tasks: a task is in a section of its own project.
            models.UniqueConstraint(fields=["id", "project"], name="a_section_can_be_referred_to_with_its_project"),
        ]

    def __str__(self) -> str:
        return self.name
