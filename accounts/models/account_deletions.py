"""Scheduled account deletions."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.users import User


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
