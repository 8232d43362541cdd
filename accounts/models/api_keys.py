"""API keys of users and service accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.users import User
from core.db import uuid7
from core.validators import validate_single_line


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Querysets of API keys."""

    def open(self, now: datetime) -> Self:
        """Return keys neither revoked nor expired; joins no other table, so that it can be updated."""
        return self.filter(revoked_at=None, expires_at__gt=now)

    def ended(self, now: datetime) -> Self:
        """Return keys that are revoked or expired."""
        return self.filter(Q(revoked_at__isnull=False) | Q(expires_at__lte=now))

    def alive(self, now: datetime) -> Self:
        """Return open keys of active owners."""
        return self.open(now).filter(owner__is_active=True)

    def visible_to(self, user: User) -> Self:
        """Return the user's own keys; all of them for administrators, who may revoke any."""
        return self if user.is_admin else self.filter(owner=user)


class ApiKey(models.Model):
    """A credential for programs that act in the owner's name.

    Only a digest of the secret is stored. `scopes` are like `tasks:read`. If `projects` is not empty, the key reaches
    only these; if `allowed_networks` is not empty, it is accepted only from there. None of the three ever changes, so
    a cached response to a key never exceeds what the key is allowed later. `replaces` is the key this one was rotated
    from.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=80, validators=[validate_single_line])
    # The prefix is shown to people and finds the row; the digest is that of the secret.
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=40))
    projects = ArrayField(models.UUIDField(), default=list, blank=True)
    allowed_networks = ArrayField(models.CharField(max_length=43), default=list, blank=True)
    replaces = models.OneToOneField("self", on_delete=models.SET_NULL, null=True, related_name="successor")
    version = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_ip = models.GenericIPAddressField(null=True)

    objects = ApiKeyQuerySet.as_manager()
    # Set on keys loaded by their text (accounts.api_keys.lookup).
    mfa_setup_required: bool

    class Meta:
        indexes = [models.Index(fields=["owner", "-id"], condition=Q(revoked_at=None), name="api_key_active")]
        constraints = [
            models.CheckConstraint(name="api_key_scopes_not_empty", condition=Q(scopes__len__gt=0)),
            models.CheckConstraint(name="api_key_digest_is_sha256", condition=Q(digest__regex="^[0-9a-f]{64}$")),
            models.CheckConstraint(name="api_key_expires_after_creation", condition=Q(expires_at__gte=F("created_at"))),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.display_prefix})"

    @property
    def display_prefix(self) -> str:
        """First characters of the key, which identify it to people; not secret."""
        return f"tf_live_{self.prefix}"

    def is_open(self, now: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > now
