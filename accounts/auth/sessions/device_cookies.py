"""The device cookie, by which a browser is recognised after signing out: one secret for each user who signed in there.

Invariant: a secret counts only for the user for whom it was issued, and until a forced logout. One that somebody planted
in the browser, or that was issued for another account, is never taken over by a sign-in.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.models import Session, User
from core.security.hashing import sha256_hex

MAX_AGE = 365 * 24 * 3600
# Users of one browser who are remembered; a sign-in of another one forgets the least recent.
MAX_USERS = 5
SECRET = re.compile(r"[\w-]{32}", re.ASCII)


def read_secrets(request: HttpRequest) -> list[str]:
    """Return the secrets of the browser's cookie, the latest first."""
    parts = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "").split(".", MAX_USERS)
    return [part for part in parts[:MAX_USERS] if SECRET.fullmatch(part)]


def device_hashes(request: HttpRequest) -> list[str]:
    return [sha256_hex(secret) for secret in read_secrets(request)]


def trusted_or_new_secret(user: User, browser_secrets: Sequence[str]) -> str:
    """Return the secret that this browser has of this user, or a new one."""
    by_hash = {sha256_hex(secret): secret for secret in browser_secrets}
    own = Session.objects.filter(
        user=user, kind=Session.Kind.BROWSER, device_hash__in=by_hash, is_untrusted=False
    ).values_list("device_hash", flat=True)
    device_hash = own.first() if by_hash else None
    return by_hash[device_hash] if device_hash else secrets.token_urlsafe(24)


def set_cookie(response: HttpResponse, secret: str, browser_secrets: Sequence[str]) -> None:
    """Set the user's secret before those of the browser's other users."""
    others = [item for item in browser_secrets if item != secret]
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        ".".join([secret, *others][:MAX_USERS]),
        max_age=MAX_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
