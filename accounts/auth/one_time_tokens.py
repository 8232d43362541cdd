"""Secrets that travel in a mail: random and kept as a hash only, good once; or signed, and kept nowhere."""

from __future__ import annotations

import secrets
from typing import NamedTuple
from urllib.parse import urlencode

from django.urls import reverse

from core.security.hashing import sha256_hex


class OneTimeToken(NamedTuple):
    """`secret` goes into the mail, which is kept sealed until it is sent; `hash` goes into the table."""

    token: str
    hash: str

    def path(self, page: str) -> str:
        """The secret stands in the query, because logs keep paths and no queries."""
        return f"{reverse(page)}?{urlencode({'token': self.token})}"


def new_token() -> OneTimeToken:
    token = secrets.token_urlsafe(32)
    return OneTimeToken(token, hash_token(token))


def hash_token(token: str) -> str:
    """A plain hash is enough for 256 random bits."""
    return sha256_hex(token)
