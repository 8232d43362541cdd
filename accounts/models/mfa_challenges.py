"""Half a sign-in of a program: the password was right, the second factor is still to come."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models.users import User
from core.db import uuid7


class MfaChallenge(models.Model):
    """Its token is told once and kept as a hash; one right code uses it up, and so do some wrong ones."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token.")
    password_hash = models.CharField(
        max_length=64, help_text="Django's fingerprint of the password that was given: another password ends it."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="mfa_challenge_expiry")]

    def __str__(self) -> str:
        return f"{self.user_id} since {self.created_at:%Y-%m-%d %H:%M}"
