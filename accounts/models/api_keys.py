"""API keys: how programs sign in."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.querysets import ApiKeyQuerySet
from accounts.models.users import User
from core.db import uuid7
from core.validators import validate_single_line


class ApiKey(models.Model):
    """What a program may do in its owner's name, and until when.

    Only a digest of the secret is kept. `scopes` are words like `tasks:read`; `projects`, if any, are the only ones that
    the key reaches; `addresses`, if any, are the only networks that it is used from. None of the three ever changes, so
    what was answered to a key once is not too much for it later. `replaces` names the key that this one was rotated from.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=80, validators=[validate_single_line])
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=40))
    projects = ArrayField(models.UUIDField(), default=list, blank=True)
    addresses = ArrayField(models.CharField(max_length=43), default=list, blank=True)
    replaces = models.OneToOneField("self", on_delete=models.SET_NULL, null=True, related_name="successor")
    version = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_address = models.GenericIPAddressField(null=True)

    objects = ApiKeyQuerySet.as_manager()
    # Known of a key that was shown (accounts.keys).
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
        """What people recognise the key by; not a secret."""
        return f"tf_live_{self.prefix}"

    def is_open(self, now: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > now
