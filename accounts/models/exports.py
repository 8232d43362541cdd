"""What people take with them: everything we know about them, as a file."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models.querysets import ExportQuerySet
from accounts.models.users import User
from core.db import uuid7


class Export(models.Model):
    """One archive of one person's data, for themselves only and for a few days."""

    class State(models.TextChoices):
        REQUESTED = "requested", "Being put together"
        READY = "ready", "Ready"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="exports")
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    created_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    objects = ExportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(state="requested"), name="export_one_pending_per_user"
            ),
            models.CheckConstraint(
                name="export_ready_at_matches_state",
                condition=Q(state="requested", ready_at=None) | Q(state="ready", ready_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="export_by_user"),
            models.Index(fields=["expires_at"], name="export_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d}"


class ExportChunk(models.Model):
    """A piece of an archive. In the database, because a node has no disk that the others see."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["export", "number"], name="export_chunk_number_unique")]

    def __str__(self) -> str:
        return f"{self.export_id} {self.number}"
