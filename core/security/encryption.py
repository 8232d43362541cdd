"""Text that only a process with SECRET_KEY can read, for what must be kept but not be read in a copy of the database."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def encrypt(text: str, *, purpose: str) -> str:
    return _multi_fernet(purpose).encrypt(text.encode()).decode()


def decrypt(sealed: str, *, purpose: str) -> str:
    """Return the text; raises cryptography.fernet.InvalidToken when it was sealed with a key that is gone."""
    return _multi_fernet(purpose).decrypt(sealed.encode()).decode()


def rotate(sealed: str, *, purpose: str) -> str:
    """Return the same text sealed with the present key; raises InvalidToken like unseal."""
    return _multi_fernet(purpose).rotate(sealed.encode()).decode()


def _multi_fernet(purpose: str) -> MultiFernet:
    return MultiFernet([_fernet(purpose, secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


@lru_cache(maxsize=16)
def _fernet(purpose: str, secret: str) -> Fernet:
    """A key of its own for each purpose; a hash is enough, because the secret is long and random."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"taskflow {purpose} {secret}".encode()).digest()))
