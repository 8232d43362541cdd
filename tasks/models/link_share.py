from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from core.db import uuid7
from tasks.models.project import Role
from tasks.models.task import Task

MAX_LINKS = 20


class LinkRole(models.TextChoices):
    """Role of whoever has the link; to comment they sign in."""

    VIEWER = Role.VIEWER.value, Role.VIEWER.label
    COMMENTER = Role.COMMENTER.value, Role.COMMENTER.label


class LinkShareQuerySet(models.QuerySet["LinkShare"]):
    def usable(self) -> Self:
        """Links that are neither revoked nor expired, by the clock of the database."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now()), revoked_at=None)


class LinkShare(models.Model):
    """A link that shows one task to whoever has it. Its token is computed from the id, and stored nowhere."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="link_shares")
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, editable=False, related_name="link_shares"
    )
    role = models.CharField(max_length=10, choices=LinkRole, default=LinkRole.VIEWER)
    password_hash = models.CharField(max_length=200, blank=True, default="", editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=timezone.now, editable=False)

    objects = LinkShareQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="a_link_lets_read_or_comment", condition=Q(role__in=LinkRole.values)),
        ]

    def __str__(self) -> str:
        return f"link to {self.task_id}"

    @property
    def has_password(self) -> bool:
        return bool(self.password_hash)
