"""Two-factor authentication: pending challenges, and the question whether a user has an MFA method."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.models.users import User
from core.db import uuid7

# Recovery codes are no method of their own: they replace one that was lost.
MFA_TYPES = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_mfa_subquery(user_column: str) -> Exists:
    """Return an annotation: has the user in this column of the outer row an authenticator app or a passkey?"""
    return Exists(Authenticator.objects.filter(user=OuterRef(user_column), type__in=MFA_TYPES))


class MfaChallenge(models.Model):
    """The open second step of an API login: the password was right, the MFA code is still missing.

    A correct code uses the challenge up, and so do several wrong ones. A setup of an authenticator app that was used is
    kept here as well until it would have expired, by the hash of its secret.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token.")
    password_hash = models.CharField(
        max_length=64, help_text="Session auth hash of the password; a changed password ends the challenge."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="mfa_challenge_expiry")]

    def __str__(self) -> str:
        return f"{self.user_id} since {self.created_at:%Y-%m-%d %H:%M}"
