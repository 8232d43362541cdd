"""Re-authentication (sudo mode) for operations whose effect outlives the session.

A stolen session ends; an API key that was created with it would not. Operations that declare `requires_recent_login` ask
the user to confirm their identity. Others do not: those that only remove access, and those that others see and can
revert, like invitations and roles in a project.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest

from accounts.auth import login
from accounts.auth.login import Secret
from accounts.auth.mfa import services as mfa
from accounts.auth.sessions import selectors as sessions_selectors
from accounts.auth.sessions.services import SESSION_ENDED
from accounts.models import Session, User
from accounts.users.services import WRONG_SECRET
from core.errors import Invalid, NotAllowed, NotAuthenticated

REAUTHENTICATE_PATH = "/api/v1/auth/reauthenticate/"
PASSWORD, CODE = "password", "code"
# A passkey can be used in a browser only.
INSTRUCTIONS = {
    PASSWORD: f"Send your password to {REAUTHENTICATE_PATH}, then repeat this request.",
    CODE: f"Send a code of your authenticator app, or a recovery code, to {REAUTHENTICATE_PATH}, then repeat this request.",
    "": "Sign in again, and repeat this request with the new token.",
}


class RecentLoginRequired(NotAllowed):
    """The session is valid, but its user has not confirmed their identity recently."""

    code = "reauthentication_required"
    title = "Confirm it's you"


def reauthentication_method(user: User) -> str:
    """Return what confirms the user's identity: `code` with MFA, else `password`, or nothing they could send."""
    methods = login.mfa_methods(user)
    # A password does not confirm a user with MFA: whoever stole it could remove the MFA methods.
    if methods:
        return CODE if set(methods) - {"passkey"} else ""
    return PASSWORD if user.has_usable_password() else ""


@contextmanager
def throttled_reauthentication(request: HttpRequest, user: User, secret: Secret = login.PASSWORD) -> Iterator[None]:
    """Throttle a signed-in user's own password or code as at sign-in. A user without a password has none to guess."""
    if secret is login.PASSWORD and not user.has_usable_password():
        yield
        return
    with login.throttled(request, user, secret=secret):
        yield


def is_recent(session: Session, now: datetime) -> bool:
    """Return whether the user of this session confirmed their identity recently."""
    return now - session.last_authenticated_at < settings.REAUTHENTICATION_MAX_AGE


def require_recent_login(*, session_id: uuid.UUID, now: datetime) -> None:
    """Raise RecentLoginRequired unless the user confirmed their identity recently, on whichever node."""
    session = sessions_selectors.get_session_with_user(session_id)
    if session is None:
        raise NotAuthenticated(SESSION_ENDED, code="token_not_valid")
    if not is_recent(session, now):
        raise RecentLoginRequired(f"Confirm it's you. {INSTRUCTIONS[reauthentication_method(session.user)]}")


def reauthenticate(*, session_id: uuid.UUID, credentials: dict[str, str], now: datetime) -> datetime:
    """Verify the user's password or code, and return until when that counts.

    `credentials` has one key, the one that `reauthentication_method` names. No lock is held while it is verified; the
    UPDATE finds out whether the session was revoked meanwhile. Raises Invalid, RecentLoginRequired, NotAuthenticated.
    """
    rows = Session.objects.open(now).filter(pk=session_id)
    session = rows.select_related("user").first()
    if session is None:
        raise NotAuthenticated(SESSION_ENDED, code="token_not_valid")
    method = reauthentication_method(session.user)
    if not method:
        raise RecentLoginRequired(f"This account has no password or code to confirm with. {INSTRUCTIONS['']}")
    if set(credentials) != {method}:
        raise Invalid.field(method, f"Send only your {method}.", "required")
    if method == CODE:
        is_correct = mfa.verify_code(user=session.user, code=credentials[CODE], now=now) is not None
    else:
        is_correct = session.user.check_password(credentials[PASSWORD])
    if not is_correct:
        raise Invalid.field(method, f"This {method} is wrong.", WRONG_SECRET)
    # A row revoked while the secret was verified is not updated.
    if not rows.update(reauthenticated_at=now):
        raise NotAuthenticated(SESSION_ENDED, code="token_not_valid")
    return now + settings.REAUTHENTICATION_MAX_AGE
