"""Random secrets for emailed links. The database has their hash only."""

from __future__ import annotations

import secrets
from typing import NamedTuple
from urllib.parse import urlencode

from django.urls import reverse

from core.security.hashing import sha256_hex


class OneTimeToken(NamedTuple):
    """A secret for a link. `token` goes into the email, which is stored encrypted; `hash` goes into the table."""

    token: str
    hash: str

    def path(self, page: str) -> str:
        """Return a page's path with the token in its query, which no log contains."""
        return f"{reverse(page)}?{urlencode({'token': self.token})}"


def new_token() -> OneTimeToken:
    token = secrets.token_urlsafe(32)
    return OneTimeToken(token, hash_token(token))


def hash_token(token: str) -> str:
    """Return the hash to store; a plain one is enough for 256 random bits."""
    return sha256_hex(token)
