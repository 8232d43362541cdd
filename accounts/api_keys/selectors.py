"""Queries for API keys and service accounts."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import QuerySet

from accounts import policies
from accounts.models import ApiKey, User
from core.db import get_or_404


def list_api_keys(owner: User) -> QuerySet[ApiKey]:
    """Return all keys of a user or service account, open and ended."""
    return ApiKey.objects.filter(owner=owner).select_related("owner")


def list_by_state(owner: User, *, active: bool, now: datetime) -> QuerySet[ApiKey]:
    """Return only the open keys of an account, or only the ended ones."""
    keys = ApiKey.objects.filter(owner=owner).select_related("owner")
    return keys.open(now) if active else keys.ended(now)


def get_api_key(user: User, key_id: uuid.UUID) -> ApiKey:
    """Return a key visible to the user. Raises NotFound."""
    return get_or_404(
        ApiKey.objects.visible_to(user).select_related("owner").filter(pk=key_id), "There is no such key."
    )


def list_service_accounts(user: User) -> QuerySet[User]:
    """Return all service accounts for an administrator, none for other users."""
    accounts = User.objects.filter(kind=User.Kind.SERVICE)
    return accounts if policies.can_manage_users(user) else accounts.none()


def get_service_account(user: User, account_id: uuid.UUID) -> User:
    """Return a service account visible to the user. Raises NotFound."""
    return get_or_404(list_service_accounts(user).filter(pk=account_id), "There is no such service account.")
