"""What outlives the session it was done in, and so asks who does it for a fresh proof, at both doors alike.

Who has stolen a session has it until it ends; none of these things ends with it. Not here: what only takes power away,
and what others see at once and can take back where they see it, like invitations and roles in a project.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings

from accounts.auth.mfa import services as mfa
from accounts.auth.sessions import selectors as sessions_selectors
from accounts.models import Session, User
from accounts.users.services import WRONG_SECRET
from core.errors import Invalid, NotAllowed, NotAuthenticated

REAUTHENTICATE_PATH = "/api/v1/auth/reauthenticate/"


class RecentLoginRequired(NotAllowed):
    """The session is good, but its person has not proved for a while that it is they."""

    code = "reauthentication_required"
    title = "Prove once more that it is you"


PASSWORD, CODE = "password", "code"
SESSION_ENDED = "The session has ended."
# What a passkey says, only a browser can ask for.
INSTRUCTIONS = {
    PASSWORD: f"Send your password to {REAUTHENTICATE_PATH}, then this once more.",
    CODE: f"Send a code of your authenticator app, or a recovery code, to {REAUTHENTICATE_PATH}, then this once more.",
    "": "Sign in again, and send this with the new token.",
}


def reauthentication_method(user: User) -> str:
    """Return what proves who this person is: `code` where they have a second factor, `password`, or nothing they could send."""
    factors = mfa.mfa_methods(user)
    if factors:
        return CODE if set(factors) - {"passkey"} else ""
    return PASSWORD if user.has_usable_password() else ""


def require_recent_login(*, session_id: uuid.UUID, now: datetime) -> None:
    """Refuse what a session asks for whose last proof is too old. PostgreSQL is asked, so one proof counts on all nodes."""
    session = sessions_selectors.get_session_with_user(session_id)
    if session is None:
        raise NotAuthenticated(SESSION_ENDED, code="token_not_valid")
    if now - session.last_authenticated_at >= settings.REAUTHENTICATION_MAX_AGE:
        raise RecentLoginRequired(
            f"Prove once more that it is you. {INSTRUCTIONS[reauthentication_method(session.user)]}"
        )


def reauthenticate(*, session_id: uuid.UUID, credentials: dict[str, str], now: datetime) -> datetime:
    """Note that the session's person has just proved who they are; returns until when that is good.

    `sent` holds either the password or a code, whichever proof_of names. No lock is held while that is judged; the
    UPDATE finds a session that was ended meanwhile.
    """
    here = Session.objects.open(now).filter(pk=session_id)
    session = here.select_related("user").first()
    if session is None:
        raise NotAuthenticated(SESSION_ENDED, code="token_not_valid")
    wanted = reauthentication_method(session.user)
    if not wanted:
        raise RecentLoginRequired(f"There is nothing that you could send. {INSTRUCTIONS['']}")
    if set(credentials) != {wanted}:
        raise Invalid.field(wanted, f"Send your {wanted}, and nothing else.", "required")
    if not _is_correct(session.user, wanted, credentials[wanted], now):
        raise Invalid.field(wanted, f"This {wanted} is wrong.", WRONG_SECRET)
    if not here.update(reauthenticated_at=now):
        raise NotAuthenticated(SESSION_ENDED, code="token_not_valid")
    return now + settings.REAUTHENTICATION_MAX_AGE


def _is_correct(user: User, kind: str, text: str, now: datetime) -> bool:
    if kind == CODE:
        return mfa.verify_code(user=user, code=text, now=now) is not None
    return user.check_password(text)
