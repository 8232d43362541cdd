"""Encryption of stored text with keys derived from SECRET_KEY. A copy of the database reveals nothing."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def encrypt(text: str, *, purpose: str) -> str:
    return _multi_fernet(purpose).encrypt(text.encode()).decode()


def decrypt(encrypted: str, *, purpose: str) -> str:
    """Return the text. Raises cryptography.fernet.InvalidToken if its key is no longer configured."""
    return _multi_fernet(purpose).decrypt(encrypted.encode()).decode()


def rotate(encrypted: str, *, purpose: str) -> str:
    """Return the same text encrypted with the current key. Raises InvalidToken like `decrypt`."""
    return _multi_fernet(purpose).rotate(encrypted.encode()).decode()


def _multi_fernet(purpose: str) -> MultiFernet:
    return MultiFernet([_fernet(purpose, secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


@lru_cache(maxsize=16)
def _fernet(purpose: str, secret: str) -> Fernet:
    """Return the cipher with a key for this purpose. A hash is enough, because the secret is long and random."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"taskflow {purpose} {secret}".encode()).digest()))
