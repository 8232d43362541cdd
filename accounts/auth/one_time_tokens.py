"""Random secrets for emailed links. The database has their hash only."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.models import EmailAddress
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import signing
from django.urls import reverse

from accounts.models import User
from core.clock import current_time
from core.security.hashing import sha256_hex


class OneTimeToken(NamedTuple):
    """A secret for a link. `token` goes into the email, which is stored encrypted; `hash` goes into the table."""

    token: str
    hash: str

    def path(self, page: str) -> str:
        """Return a page's path with the token in its query, which no log contains."""
        return f"{reverse(page)}?{urlencode({'token': self.token})}"


class ResetTokenGenerator(PasswordResetTokenGenerator):
    """Django's generator, by the clock of the database."""

    key_salt = "django.contrib.auth.tokens.PasswordResetTokenGenerator"

    def _now(self) -> datetime:
        return current_time().replace(tzinfo=None)


reset_tokens = ResetTokenGenerator()


class DatabaseTimestampSigner(signing.TimestampSigner):
    """Django's signer, by the clock of the database."""

    def timestamp(self) -> str:
        return signing.b62_encode(int(current_time().timestamp()))

    def unsign(self, value: str, max_age: Any = None) -> str:
        """Return the value. Raises BadSignature, and SignatureExpired after `max_age` seconds."""
        text, _, stamp = signing.Signer.unsign(self, value).rpartition(self.sep)
        if max_age is not None and current_time().timestamp() - signing.b62_decode(stamp) > max_age:
            raise signing.SignatureExpired("The link is too old.")
        return text


def make_verification_key(address: EmailAddress) -> str:
    """Return the key of a link that verifies this address."""
    return _verification_signer().sign_object(address.pk)


def find_address_by_key(key: str) -> EmailAddress | None:
    """Return the unverified address that the key verifies; None for a used, old or forged key."""
    max_age = 86_400 * app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS
    try:
        address_id = _verification_signer().unsign_object(key, max_age=max_age)
    except signing.BadSignature:
        return None
    return EmailAddress.objects.filter(pk=address_id, verified=False).first()


def _verification_signer() -> DatabaseTimestampSigner:
    return DatabaseTimestampSigner(salt=app_settings.SALT)


def new_token() -> OneTimeToken:
    token = secrets.token_urlsafe(32)
    return OneTimeToken(token, hash_token(token))


def hash_token(token: str) -> str:
    """Return the hash to store; a plain one is enough for 256 random bits."""
    return sha256_hex(token)


def make_reset_key(user: User) -> str:
    return f"{user.pk.hex}-{reset_tokens.make_token(user)}"


def find_user_by_reset_key(key: str) -> User | None:
    """Return the active user whose password the key may reset; None for a used, old or forged key."""
    user_id, _, token = key.partition("-")
    try:
        user: User | None = User.objects.active().filter(pk=uuid.UUID(hex=user_id)).first()
    except ValueError:
        return None
    return user if user and reset_tokens.check_token(user, token) else None
