"""Random secrets for emailed links. The database has their hash only."""

from __future__ import annotations

import secrets
import uuid
from typing import NamedTuple
from urllib.parse import urlencode

from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse

from accounts.models import User
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


def make_reset_key(user: User) -> str:
    return f"{user.pk.hex}-{default_token_generator.make_token(user)}"


def find_user_by_reset_key(key: str) -> User | None:
    """Return the active user whose password the key may reset; None for a used, old or forged key."""
    user_id, _, token = key.partition("-")
    try:
        user: User | None = User.objects.active().filter(pk=uuid.UUID(hex=user_id)).first()
    except ValueError:
        return None
    return user if user and default_token_generator.check_token(user, token) else None
