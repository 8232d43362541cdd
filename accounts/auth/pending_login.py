"""A browser's sign-in that waits for an MFA code, a passkey or a mailed link.

Revoking a user's sessions does not end it, because it has no row yet. So it keeps the hash of the password it began
with, which is compared whenever it is loaded, and is over when the password changed or after a quarter of an hour.
"""

from __future__ import annotations

from typing import NamedTuple

from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User
from accounts.users import selectors as users_selectors

PENDING_LOGIN_KEY = "_pending_login"
MAX_AGE = 15 * 60


class PendingLogin(NamedTuple):
    user: User
    next_url: str


def save(request: HttpRequest, user: User | None, next_url: str) -> None:
    """Remember the sign-in in the session. Without a user it leads nowhere, and looks the same from outside."""
    request.session[PENDING_LOGIN_KEY] = {
        "user": str(user.pk) if user else "",
        "password_hash": user.get_session_auth_hash() if user else "",
        "next": next_url,
        "started_at": int(timezone.now().timestamp()),
    }


def load(request: HttpRequest) -> PendingLogin | None:
    """Return the sign-in that waits in this browser, and forget one that is over."""
    data = request.session.get(PENDING_LOGIN_KEY)
    if data is None:
        return None
    user = users_selectors.find_active_user(data["user"]) if data["user"] else None
    is_recent = timezone.now().timestamp() - data["started_at"] <= MAX_AGE
    if user and is_recent and constant_time_compare(data["password_hash"], user.get_session_auth_hash()):
        return PendingLogin(user, data["next"])
    if not data["user"] and is_recent:
        return None  # kept like any other, so that a registration with a taken address cannot be told apart
    clear(request)
    return None


def clear(request: HttpRequest) -> None:
    request.session.pop(PENDING_LOGIN_KEY, None)
