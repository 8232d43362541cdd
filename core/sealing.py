"""Text that only a process with SECRET_KEY can read, for what must be kept but not be read in a copy of the database."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def seal(text: str, *, purpose: str) -> str:
    return _keys(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """Return the text; raises cryptography.fernet.InvalidToken when it was sealed with a key that is gone."""
    return _keys(purpose).decrypt(sealed.encode()).decode()


def seal_anew(sealed: str, *, purpose: str) -> str:
    """Return the same text sealed with the present key; raises InvalidToken like unseal."""
    return _keys(purpose).rotate(sealed.encode()).decode()


def _keys(purpose: str) -> MultiFernet:
    return MultiFernet([_key(purpose, secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


@lru_cache(maxsize=16)
def _key(purpose: str, secret: str) -> Fernet:
    """A key of its own for each purpose; a hash is enough, because the secret is long and random."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"taskflow {purpose} {secret}".encode()).digest()))
