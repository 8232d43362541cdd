"""Models of the HTTP toolkit."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class IdempotencyRecord(models.Model):
    """The stored response of a POST with an Idempotency-Key, written in its transaction."""

    user_id = models.UUIDField(help_text="The user, whichever token they used.")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user_id", "key"], name="an_idempotency_key_is_used_once_per_user")
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_record_created_at")]

    def __str__(self) -> str:
        return f"{self.key} by {self.user_id}"
