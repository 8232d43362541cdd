"""Proving once more, in a session that is open already, who one is."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings

from accounts import selectors
from accounts.models import Session, User
from accounts.proofs import DOOR, ProofRequired
from accounts.services.second_factor import accept_code, factors_of
from accounts.services.users import WRONG
from core.errors import Invalid, NotSignedIn

PASSWORD, CODE = "password", "code"
ENDED = "The session has ended."
# What a passkey says, only a browser can ask for.
ADVICE = {
    PASSWORD: f"Send your password to {DOOR}, then this once more.",
    CODE: f"Send a code of your authenticator app, or a recovery code, to {DOOR}, then this once more.",
    "": "Sign in again, and send this with the new token.",
}


def proof_of(person: User) -> str:
    """Return what proves who this person is: `code` where they have a second factor, `password`, or nothing they could send."""
    factors = factors_of(person)
    if factors:
        return CODE if set(factors) - {"passkey"} else ""
    return PASSWORD if person.has_usable_password() else ""


def require_proof(*, session_id: uuid.UUID, now: datetime) -> None:
    """Refuse what a session asks for whose last proof is too old. PostgreSQL is asked, so one proof counts on all nodes."""
    session = selectors.session_with_person(session_id)
    if session is None:
        raise NotSignedIn(ENDED, code="token_not_valid")
    if now - session.last_proof >= settings.PROOF_LASTS:
        raise ProofRequired(f"Prove once more that it is you. {ADVICE[proof_of(session.user)]}")


def prove(*, session_id: uuid.UUID, sent: dict[str, str], now: datetime) -> datetime:
    """Note that the session's person has just proved who they are; returns until when that is good.

    `sent` holds either the password or a code, whichever proof_of names. No lock is held while that is judged; the
    UPDATE finds a session that was ended meanwhile.
    """
    here = Session.objects.open(now).filter(pk=session_id)
    session = here.select_related("user").first()
    if session is None:
        raise NotSignedIn(ENDED, code="token_not_valid")
    wanted = proof_of(session.user)
    if not wanted:
        raise ProofRequired(f"There is nothing that you could send. {ADVICE['']}")
    if set(sent) != {wanted}:
        raise Invalid.field(wanted, f"Send your {wanted}, and nothing else.", "required")
    if not _is_right(session.user, wanted, sent[wanted], now):
        raise Invalid.field(wanted, f"This {wanted} is wrong.", WRONG)
    if not here.update(proved_at=now):
        raise NotSignedIn(ENDED, code="token_not_valid")
    return now + settings.PROOF_LASTS


def _is_right(person: User, kind: str, text: str, now: datetime) -> bool:
    if kind == CODE:
        return accept_code(person=person, code=text, now=now) is not None
    return person.check_password(text)
