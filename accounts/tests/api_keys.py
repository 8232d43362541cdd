"""Programs that sign in with an API key."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.api_keys import lookup
from accounts.api_keys.scopes import SCOPES
from accounts.api_keys.services import CreatedKey, KeySpec, create_key
from accounts.models import User
from accounts.tests.fixtures import ApiClient


def create_api_key(owner: User, *scopes: str, actor: User | None = None, **words: Any) -> CreatedKey:
    """A key of this account; of every scope when none is named. It counts as noted, so to use it writes nothing."""
    draft = KeySpec(name="Importer", scopes=scopes or SCOPES, **words)
    made = create_key(actor=actor or owner, owner=owner, draft=draft, now=timezone.now())
    lookup.should_record_use(str(made.key.pk))
    return made


def api_key_client(text: str, **headers: str) -> ApiClient:
    return ApiClient(HTTP_AUTHORIZATION=f"Api-Key {text}", **headers)
