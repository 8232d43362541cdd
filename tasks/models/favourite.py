from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.db import uuid7
from tasks.models.project import Project


class ProjectFavourite(models.Model):
    """A project that a user put first in their lists."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="favourites")
    # Without an index of its own: that of the unique constraint begins with the column.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="project_favourites", db_index=False
    )
    # In the collation C the order of texts is that of the positions; see items/fractional_indexing.py.
    position = models.CharField(max_length=200, db_collation="C")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "project"], name="a_project_is_a_favourite_once")]

    def __str__(self) -> str:
        return f"{self.project_id} of {self.user_id}"
