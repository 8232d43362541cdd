"""Exports of personal data (GDPR, articles 15 and 20), and scheduled account deletions."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.users import User
from core.db import uuid7


class ExportQuerySet(models.QuerySet["Export"]):
    """Querysets of exports."""

    def current(self, now: datetime) -> Self:
        """Return exports that have not expired."""
        return self.filter(expires_at__gt=now)


class Export(models.Model):
    """An archive of a user's data, available to them for a few days."""

    class State(models.TextChoices):
        REQUESTED = "requested", "Being prepared"
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
    """A part of an archive. It lives in the database because nodes share no disk."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["export", "number"], name="export_chunk_number_unique")]

    def __str__(self) -> str:
        return f"{self.export_id} {self.number}"


class AccountDeletion(models.Model):
    """A closed account that is erased at `due_at` unless its user cancels before."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="deletion")
    token_hash = models.CharField(max_length=64, unique=True)
    requested_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="account_deletion_due_after_request", condition=Q(due_at__gt=F("requested_at")))
        ]
        indexes = [models.Index(fields=["due_at"], name="account_deletion_due")]

    def __str__(self) -> str:
        return f"{self.user_id} until {self.due_at:%Y-%m-%d}"
