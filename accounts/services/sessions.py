from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts import cache, events, selectors
from accounts.models import Session, User
from accounts.services.users import public
from accounts.tokens import Pair, pair_for, read_refresh
from core.errors import NotFound, NotSignedIn
from events.publishing import publish, publish_all

KEPT_AFTER_END = timedelta(days=30)


def open_session(*, user: User, now: datetime, user_agent: str = "", address: str | None = None) -> Pair:
    """Start a session on one device and return its first tokens."""
    session = Session.objects.create(
        user=user,
        refresh_jti=uuid.uuid4().hex,
        user_agent=user_agent,
        address=address,
        rotated_at=now,
        expires_at=now + settings.SESSION_LIFETIME,
    )
    return pair_for(session)


def refresh_session(*, token: str, now: datetime) -> tuple[Pair, User]:
    """Exchange a refresh token for the next pair.

    One conditional UPDATE decides the one winner. For REFRESH_GRACE afterwards the replaced token answers with
    that winner's own successor (a second tab, a lost response: FAPI 2.0, section 5.3.2.1); later use of a
    replaced token means it was stolen, and ends the session.
    """
    claims = read_refresh(token)
    named = Session.objects.open(now).filter(pk=claims.session_id, user=claims.user_id)
    named.filter(refresh_jti=claims.jti).update(previous_jti=claims.jti, refresh_jti=uuid.uuid4().hex, rotated_at=now)
    session = named.select_related("user").first()
    if session is None or not session.user.is_active:
        raise NotSignedIn("The session has ended.", code="token_not_valid")
    if session.previous_jti == claims.jti and now - session.rotated_at <= settings.REFRESH_GRACE:
        return pair_for(session), session.user
    with suppress(NotFound):  # somebody else found the same out at the same moment
        revoke_session(actor=session.user, session_id=session.pk, now=now, reason="refresh token used again")
    raise NotSignedIn("The session has ended.", code="token_not_valid")


@transaction.atomic
def revoke_session(*, actor: User, session_id: uuid.UUID, now: datetime, reason: str = "revoked") -> None:
    """End one of the actor's own sessions; its tokens are refused from the next request on."""
    ended = Session.objects.open(now).filter(pk=session_id, user=actor).update(revoked_at=now)
    if not ended:
        raise NotFound("There is no such session.")
    cache.refuse_after_commit([session_id])
    publish(events.SessionRevoked(user=public(actor), session_id=str(session_id), reason=reason), actor=actor)


@transaction.atomic
def revoke_all_sessions(*, actor: User, now: datetime) -> int:
    """End every session of the actor; returns how many there were."""
    ended = list(selectors.sessions_of(actor, now).select_for_update(of=("self",)).values_list("pk", flat=True))
    Session.objects.filter(pk__in=ended).update(revoked_at=now)
    cache.refuse_after_commit(ended)
    publish_all(
        [events.SessionRevoked(user=public(actor), session_id=str(key), reason="everywhere") for key in ended],
        actor=actor,
    )
    return len(ended)


def purge_sessions(*, now: datetime) -> int:
    """Remove sessions that ended long ago; returns how many."""
    removed, _ = Session.objects.filter(expires_at__lt=now - KEPT_AFTER_END).delete()
    return removed
