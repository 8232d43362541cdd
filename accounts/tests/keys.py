"""Programs that sign in with an API key."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts import keys
from accounts.models import User
from accounts.scopes import SCOPES
from accounts.services import KeyDraft, Minted, create_key
from accounts.tests.fixtures import ApiClient


def minted(owner: User, *scopes: str, actor: User | None = None, **words: Any) -> Minted:
    """A key of this account; of every scope when none is named. It counts as noted, so to use it writes nothing."""
    draft = KeyDraft(name="Importer", scopes=scopes or SCOPES, **words)
    made = create_key(actor=actor or owner, owner=owner, draft=draft, now=timezone.now())
    keys.is_due(str(made.key.pk))
    return made


def by_key(text: str, **headers: str) -> ApiClient:
    return ApiClient(HTTP_AUTHORIZATION=f"Api-Key {text}", **headers)
