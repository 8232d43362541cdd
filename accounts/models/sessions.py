"""Login sessions of browsers and API clients, and the second step of a login."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Self

from allauth.mfa.models import Authenticator
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.utils import timezone

from accounts.models.users import User
from core.db import uuid7
from core.http.client_ip import describe_user_agent


class SessionQuerySet(models.QuerySet["Session"]):
    """Querysets of sessions."""

    def open(self, now: datetime) -> Self:
        """Return sessions neither revoked nor expired; joins no other table, so that it can be updated."""
        return self.filter(revoked_at=None, expires_at__gt=now)

    def excluding(self, keep: uuid.UUID | None) -> Self:
        return self.exclude(pk=keep) if keep else self

    def alive(self, now: datetime) -> Self:
        """Return open sessions of active users."""
        return self.open(now).filter(user__is_active=True)


class Session(models.Model):
    """A signed-in device: a browser, or an API client with its family of refresh tokens.

    A token or cookie is only valid while its session is alive. `refresh_jti` identifies the one valid refresh token,
    `replaced_jtis` has those it replaced within REFRESH_GRACE_PERIOD, with the Unix time of that. `last_seen_at` is the
    last token refresh of an API client; for a browser it is accurate to some minutes. `expires_at` moves on with use, up
    to SESSION_LIFETIME after the sign-in. `reauthenticated_at` is the last time the user confirmed their identity.
    `is_untrusted` is set when a session ended in another way than by signing out: its device and IP address are no
    longer trusted.
    """

    class Kind(models.TextChoices):
        BROWSER = "browser"
        API = "api"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.API, db_default="api")
    # Refresh token rotation (RFC 9700, section 4.14.2).
    refresh_jti = models.CharField(max_length=32, blank=True, default="")
    replaced_jtis = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
    device_hash = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="Hash that identifies a returning device."
    )
    user_agent = models.CharField(max_length=200, blank=True, default="")
    ip_address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    reauthenticated_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    is_untrusted = models.BooleanField(default=False, db_default=False)

    objects = SessionQuerySet.as_manager()
    # Set on sessions loaded by token or cookie (accounts.auth.sessions.selectors).
    mfa_setup_required: bool

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="session_refresh_jti_only_for_api",
                condition=Q(kind="browser", refresh_jti="", replaced_jtis={}) | (Q(kind="api") & ~Q(refresh_jti="")),
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], condition=Q(revoked_at=None), name="session_active"),
            models.Index(fields=["expires_at"], name="session_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} since {self.created_at:%Y-%m-%d}"

    @property
    def device_name(self) -> str:
        """Readable name of the browser or program, like `Firefox on Linux`."""
        return describe_user_agent(self.user_agent)

    @property
    def last_authenticated_at(self) -> datetime:
        """Time of the last reauthentication; signing in counts as the first."""
        return self.reauthenticated_at or self.created_at

    @property
    def is_browser(self) -> bool:
        return self.kind == self.Kind.BROWSER


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
