"""Where people are signed in."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.auth.sessions.user_agents import describe
from accounts.models.querysets import SessionQuerySet
from accounts.models.users import User
from core.db import uuid7


class Session(models.Model):
    """One signed-in device: a browser, or an API client and the family of its refresh tokens.

    PostgreSQL holds the truth; a token or a browser's cookie is good only while its session is alive. `refresh_jti`
    names the one refresh token that is valid, `previous_jti` the one it replaced. `rotated_at` is when it was last
    seen: an API client when its tokens were replaced, a browser within some minutes. `expires_at` is when it ends if it
    is not seen again, and never later than SESSION_LIFETIME after it was opened. `proved_at` is when the person proved
    once more who they are; to sign in was the first proof. `is_disowned` says that it was ended otherwise than by signing
    out: its device and its address are not the person's own any more.
    """

    class Kind(models.TextChoices):
        BROWSER = "browser"
        API = "api"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.API, db_default="api")
    refresh_jti = models.CharField(max_length=32, blank=True, default="")
    previous_jti = models.CharField(max_length=32, blank=True, default="")
    device = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="What the same device is recognised by: a hash."
    )
    user_agent = models.CharField(max_length=200, blank=True, default="")
    address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    rotated_at = models.DateTimeField(default=timezone.now)
    reauthenticated_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    is_untrusted = models.BooleanField(default=False, db_default=False)

    objects = SessionQuerySet.as_manager()
    # Known of a session that was asked for by its token or cookie (accounts.selectors).
    mfa_setup_required: bool

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="session_refresh_jti_only_for_api",
                condition=Q(kind="browser", refresh_jti="", previous_jti="") | (Q(kind="api") & ~Q(refresh_jti="")),
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
        return describe(self.user_agent)

    @property
    def last_authenticated_at(self) -> datetime:
        return self.reauthenticated_at or self.created_at

    @property
    def is_browser(self) -> bool:
        return self.kind == self.Kind.BROWSER
