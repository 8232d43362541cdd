"""Where a person is signed in: opened, kept alive, ended. One row for each browser and each API client."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts import cache, devices, events, selectors
from accounts.models import Session, User
from accounts.services.addresses import withdraw_proposal
from accounts.services.users import public
from accounts.tokens import Pair, pair_for, read_refresh
from core.errors import NotFound, NotSignedIn
from events.publishing import publish, publish_all

KEPT_AFTER_END = timedelta(days=30)
# Who has just registered is told of no new device.
NEWCOMER = timedelta(minutes=10)
SEEN_EVERY = timedelta(minutes=5)
BATCH = 5000
# The one reason for which a session ends and its place stays known: see end().
SIGNED_OUT = "signed out"


def open_session(*, user: User, now: datetime, user_agent: str = "", address: str | None = None) -> Pair:
    """Sign an API client in and return its first tokens. It is recognised by its name and the network it calls from."""
    device = devices.digest(f"{devices.name_of(user_agent)} {devices.network_of(address)}")
    kind = Session.Kind.API
    return pair_for(_open(user, now, kind=kind, device=device, user_agent=user_agent, address=address))


def open_browser_session(
    *, user: User, now: datetime, user_agent: str = "", address: str | None = None, cookie: str
) -> Session:
    """Sign a browser in; `cookie` is the secret that this browser keeps to be recognised by."""
    device = devices.digest(cookie)
    return _open(user, now, kind=Session.Kind.BROWSER, device=device, user_agent=user_agent, address=address)


@transaction.atomic
def _open(user: User, now: datetime, **columns: Any) -> Session:
    _require_unchanged(user)
    is_new = not selectors.knows_device(user.pk, columns["device"]) and now - user.created_at > NEWCOMER
    if columns["kind"] == Session.Kind.API:
        columns["refresh_jti"] = uuid.uuid4().hex
    expires_at = end_of(now, now)
    session = Session.objects.create(user=user, created_at=now, rotated_at=now, expires_at=expires_at, **columns)
    publish(events.SessionOpened(user=public(user), session={**_public(session), "is_new": is_new}), actor=user, at=now)
    return session


def _require_unchanged(user: User) -> None:
    """Lock the person, and refuse one who since proving who they are was switched off or given another password.

    Whoever changes a password ends the open sessions; this one, not open yet, would outlive them.
    """
    same = User.objects.active().filter(pk=user.pk, password=user.password)
    if not same.select_for_update(no_key=True).values_list("pk").first():
        raise NotSignedIn("The session has ended.", code="token_not_valid")


def end_of(created_at: datetime, seen_at: datetime) -> datetime:
    """Return when a session ends that was opened and last seen then: for REFRESH_IDLE it was not used, or SESSION_LIFETIME is over."""
    return min(seen_at + settings.REFRESH_IDLE, created_at + settings.SESSION_LIFETIME)


def note_seen(session: Session, *, now: datetime, address: str | None) -> None:
    """Write down, every few minutes at most, that a browser is in use and from where."""
    if now - session.rotated_at < SEEN_EVERY:
        return
    unseen = Session.objects.open(now).filter(pk=session.pk, rotated_at=session.rotated_at)
    unseen.update(rotated_at=now, expires_at=end_of(session.created_at, now), address=address)


def refresh_session(*, token: str, now: datetime, address: str | None = None) -> tuple[Pair, User]:
    """Exchange a refresh token for the next pair.

    One conditional UPDATE decides the one winner. For REFRESH_GRACE afterwards the replaced token answers with
    that winner's own successor (a second tab, a lost response: FAPI 2.0, section 5.3.2.1); later use of a
    replaced token means it was stolen: it ends the session, and its person is told.
    """
    claims = read_refresh(token)
    session = selectors.refreshable_session(claims.session_id, claims.user_id, now)
    if session is not None and session.refresh_jti == claims.jti:
        if _rotate(session, now, address):
            return pair_for(session), session.user
        session = selectors.refreshable_session(claims.session_id, claims.user_id, now)
    if session is None:
        raise NotSignedIn("The session has ended.", code="token_not_valid")
    if session.previous_jti == claims.jti and now - session.rotated_at <= settings.REFRESH_GRACE:
        return pair_for(session), session.user
    _end_family(session, now, address)
    raise NotSignedIn("The session has ended.", code="token_not_valid")


def _rotate(session: Session, now: datetime, address: str | None) -> bool:
    """Replace the refresh token that was read, unless somebody else has done so since."""
    after = {
        "previous_jti": session.refresh_jti,
        "refresh_jti": uuid.uuid4().hex,
        "rotated_at": now,
        "expires_at": end_of(session.created_at, now),
        "address": address or session.address,
    }
    same = Session.objects.open(now).filter(pk=session.pk, refresh_jti=session.refresh_jti)
    if not same.update(**after):
        return False
    for name, value in after.items():
        setattr(session, name, value)
    return True


@transaction.atomic
def _end_family(session: Session, now: datetime, address: str | None) -> None:
    same = Session.objects.open(now).filter(pk=session.pk)
    if not end(same, actor=session.user, now=now, reason="refresh token used again"):
        return  # somebody else found the same out at the same moment
    found = {**_public(session), "used_from": address or ""}
    publish(events.SessionReused(user=public(session.user), session=found), actor=None, at=now)


@transaction.atomic
def revoke_session(*, actor: User, session_id: uuid.UUID, now: datetime, reason: str = "revoked") -> None:
    """End one of the actor's own sessions; it is refused from the next request on."""
    mine = Session.objects.open(now).filter(pk=session_id, user=actor)
    if not end(mine, actor=actor, now=now, reason=reason):
        raise NotFound("There is no such session.")


@transaction.atomic
def revoke_all_sessions(*, actor: User, now: datetime) -> int:
    """End every session of the actor, and what an ended one may have proposed; returns how many there were."""
    withdraw_proposal(person=actor)
    return end(Session.objects.open(now).filter(user=actor), actor=actor, now=now, reason="everywhere")


@transaction.atomic
def end_other_sessions(*, actor: User, keep: uuid.UUID | None, now: datetime, reason: str = "others") -> int:
    """End every session of the actor but the one to keep, and what the others may have proposed; returns how many."""
    withdraw_proposal(person=actor)
    return _end_others(actor, keep, now, reason)


@transaction.atomic
def end_sessions_without_factor(*, actor: User, keep: uuid.UUID | None, now: datetime) -> int:
    """End those that were opened before the actor's first second factor, and by the password alone."""
    return _end_others(actor, keep, now, "second factor set up")


def _end_others(actor: User, keep: uuid.UUID | None, now: datetime, reason: str) -> int:
    mine = Session.objects.open(now).filter(user=actor)
    return end(mine.exclude(pk=keep) if keep else mine, actor=actor, now=now, reason=reason)


def end(sessions: Any, *, actor: User | None, now: datetime, reason: str) -> int:
    """End these open sessions, of whomever they are, in the present transaction; returns how many there were."""
    ended = list(sessions.select_related("user").select_for_update(of=("self",)).order_by("pk"))
    Session.objects.filter(pk__in=[one.pk for one in ended]).update(revoked_at=now)
    if reason != SIGNED_OUT:
        _disown(ended, now)
    cache.refuse_after_commit(one.pk for one in ended)
    publish_all(
        [events.SessionRevoked(user=public(one.user), session_id=str(one.pk), reason=reason) for one in ended],
        actor=actor,
        at=now,
    )
    return len(ended)


def _disown(ended: Collection[Session], now: datetime) -> None:
    """From where these were opened their people are not known any more, whichever session they were known by.

    What is open still, at the same device or address, goes on, and its person stays known there by it.
    """
    over = Session.objects.filter(Q(revoked_at__isnull=False) | Q(expires_at__lte=now), is_disowned=False)
    for person_id in {one.user_id for one in ended}:
        mine = [one for one in ended if one.user_id == person_id]
        places = Q(device__in={one.device for one in mine}) | Q(
            address__in={one.address for one in mine if one.address}
        )
        over.filter(places, user=person_id).update(is_disowned=True)


def _public(session: Session) -> dict[str, Any]:
    return {
        "id": str(session.pk),
        "kind": str(session.kind),
        "device": session.device_name,
        "address": session.address or "",
    }


def purge_sessions(*, now: datetime) -> int:
    """Remove sessions that ended long ago, and the cookies' own; returns how many there were of ours."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    total, old = 0, Session.objects.filter(expires_at__lt=now - KEPT_AFTER_END)
    while batch := list(old.values_list("pk", flat=True)[:BATCH]):
        total += Session.objects.filter(pk__in=batch).delete()[0]
    return total
