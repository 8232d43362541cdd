"""Questions about API keys."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import ApiKey, User
from core.errors import NotFound


def list_api_keys(user: User) -> QuerySet[ApiKey]:
    """The keys that this account, a person's or a service's, has or had."""
    return ApiKey.objects.filter(owner=user).select_related("owner")


def list_by_state(user: User, *, active: bool, now: datetime) -> QuerySet[ApiKey]:
    """Those of them that open something now, or only the others."""
    mine = ApiKey.objects.filter(owner=user).select_related("owner")
    return mine.open(now) if active else mine.ended(now)


def get_api_key(user: User, key_id: uuid.UUID) -> ApiKey:
    found = ApiKey.objects.visible_to(user).select_related("owner").filter(pk=key_id).first()
    if found is None:
        raise NotFound("There is no such key.")
    return found
