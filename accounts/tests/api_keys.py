"""Creating API keys and clients that use them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.api_keys import lookup
from accounts.api_keys.scopes import SCOPES
from accounts.api_keys.services import CreatedKey, KeySpec, create_key
from accounts.models import User
from accounts.tests.fixtures import ApiClient


def create_api_key(owner: User, *scopes: str, actor: User | None = None, **kwargs: Any) -> CreatedKey:
    """Create a key, with all scopes by default; its first use is not recorded, so it writes nothing."""
    spec = KeySpec(name="Importer", scopes=scopes or SCOPES, **kwargs)
    created = create_key(actor=actor or owner, owner=owner, spec=spec, now=timezone.now())
    lookup.should_record_use(str(created.key.pk))
    return created


def api_key_client(text: str, **headers: str) -> ApiClient:
    return ApiClient(HTTP_AUTHORIZATION=f"Api-Key {text}", **headers)
