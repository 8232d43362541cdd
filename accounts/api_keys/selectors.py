"""Queries for API keys."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import ApiKey, User
from core.errors import NotFound


def list_api_keys(owner: User) -> QuerySet[ApiKey]:
    """Return all keys of a user or service account, open and ended."""
    return ApiKey.objects.filter(owner=owner).select_related("owner")


def list_by_state(owner: User, *, active: bool, now: datetime) -> QuerySet[ApiKey]:
    """Return only the open keys of an account, or only the ended ones."""
    keys = ApiKey.objects.filter(owner=owner).select_related("owner")
    return keys.open(now) if active else keys.ended(now)


def get_api_key(user: User, key_id: uuid.UUID) -> ApiKey:
    """Return a key visible to the user. Raises NotFound."""
    key = ApiKey.objects.visible_to(user).select_related("owner").filter(pk=key_id).first()
    if key is None:
        raise NotFound("There is no such key.")
    return key
