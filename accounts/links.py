"""Secrets that travel in a mail: random, kept as a hash only, good once."""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple
from urllib.parse import urlencode

from django.urls import reverse


class Link(NamedTuple):
    """`secret` goes into the mail, which is kept sealed until it is sent; `hash` goes into the table."""

    secret: str
    hash: str

    def path(self, page: str) -> str:
        """The secret stands in the query, because logs keep paths and no queries."""
        return f"{reverse(page)}?{urlencode({'token': self.secret})}"


def new_link() -> Link:
    secret = secrets.token_urlsafe(32)
    return Link(secret, hash_of(secret))


def hash_of(secret: str) -> str:
    """A plain hash is enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()
