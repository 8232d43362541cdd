"""The secret of an authenticator app that is being added: sealed while it waits in the session for its first code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from cryptography.fernet import InvalidToken
from django.http import HttpRequest

from accounts.auth.mfa.services import ENCRYPTION_PURPOSE
from core.security.encryption import decrypt, encrypt


@contextmanager
def decrypted_secret(request: HttpRequest) -> Iterator[None]:
    """Let allauth find the secret in the session as it keeps it, and leave it there sealed."""
    if sealed := request.session.get(SECRET_SESSION_KEY):
        try:
            request.session[SECRET_SESSION_KEY] = decrypt(sealed, purpose=ENCRYPTION_PURPOSE)
        except InvalidToken:
            del request.session[SECRET_SESSION_KEY]
    try:
        yield
    finally:
        if secret := request.session.get(SECRET_SESSION_KEY):
            request.session[SECRET_SESSION_KEY] = encrypt(secret, purpose=ENCRYPTION_PURPOSE)
