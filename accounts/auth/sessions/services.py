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

from accounts import events
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.sessions import cache, selectors, user_agents
from accounts.auth.tokens import TokenPair, issue_tokens, read_refresh
from accounts.events import session_payload, user_payload
from accounts.models import Session, User
from core.errors import NotAuthenticated, NotFound
from core.http.user_agents import describe_user_agent
from core.security.hashing import sha256_hex
from events.outbox import publish, publish_all

RETENTION = timedelta(days=30)
# Who has just registered is told of no new device.
NEW_USER_PERIOD = timedelta(minutes=10)
TOUCH_INTERVAL = timedelta(minutes=5)
BATCH_SIZE = 5000
# The one reason for which a session ends and its place stays known: see end().
SIGNED_OUT = "signed out"


def open_session(*, user: User, now: datetime, user_agent: str = "", address: str | None = None) -> TokenPair:
    """Sign an API client in and return its first tokens. It is recognised by its name and the network it calls from."""
    device = sha256_hex(f"{describe_user_agent(user_agent)} {user_agents.ip_prefix(address)}")
    kind = Session.Kind.API
    return issue_tokens(_open(user, now, kind=kind, device_hash=device, user_agent=user_agent, ip_address=address))


def open_browser_session(
    *, user: User, now: datetime, user_agent: str = "", address: str | None = None, cookie: str
) -> Session:
    """Sign a browser in; `cookie` is the secret that this browser keeps to be recognised by."""
    device = sha256_hex(cookie)
    return _open(user, now, kind=Session.Kind.BROWSER, device_hash=device, user_agent=user_agent, ip_address=address)


@transaction.atomic
def _open(user: User, now: datetime, **columns: Any) -> Session:
    _require_same_password(user)
    is_new = not selectors.is_known_device(user.pk, columns["device_hash"]) and now - user.created_at > NEW_USER_PERIOD
    if columns["kind"] == Session.Kind.API:
        columns["refresh_jti"] = uuid.uuid4().hex
    expires_at = compute_expiry(now, now)
    session = Session.objects.create(user=user, created_at=now, last_seen_at=now, expires_at=expires_at, **columns)
    publish(
        events.SessionOpened(user=user_payload(user), session={**session_payload(session), "is_new": is_new}),
        actor=user,
        at=now,
    )
    return session


def _require_same_password(user: User) -> None:
    """Lock the person, and refuse one who since proving who they are was switched off or given another password.

    Whoever changes a password ends the open sessions; this one, not open yet, would outlive them.
    """
    same = User.objects.active().filter(pk=user.pk, password=user.password)
    if not same.select_for_update(no_key=True).values_list("pk").first():
        raise NotAuthenticated("The session has ended.", code="token_not_valid")


def compute_expiry(created_at: datetime, seen_at: datetime) -> datetime:
    """Return when a session ends that was opened and last seen then: for SESSION_IDLE_TIMEOUT it was not used, or SESSION_LIFETIME is over."""
    return min(seen_at + settings.SESSION_IDLE_TIMEOUT, created_at + settings.SESSION_LIFETIME)


def touch(session: Session, *, now: datetime, address: str | None) -> None:
    """Write down, every few minutes at most, that a browser is in use and from where."""
    if now - session.last_seen_at < TOUCH_INTERVAL:
        return
    unseen = Session.objects.open(now).filter(pk=session.pk, last_seen_at=session.last_seen_at)
    unseen.update(last_seen_at=now, expires_at=compute_expiry(session.created_at, now), ip_address=address)


def refresh_session(*, token: str, now: datetime, address: str | None = None) -> tuple[TokenPair, User]:
    """Exchange a refresh token for the next pair.

    One conditional UPDATE decides the one winner. For REFRESH_GRACE_PERIOD afterwards the replaced token answers with
    that winner's own successor (a second tab, a lost response: FAPI 2.0, section 5.3.2.1); later use of a
    replaced token means it was stolen: it ends the session, and its person is told.
    """
    claims = read_refresh(token)
    session = selectors.get_refreshable_session(claims.session_id, claims.user_id, now)
    if session is not None and session.refresh_jti == claims.jti:
        if _rotate(session, now, address):
            return issue_tokens(session), session.user
        session = selectors.get_refreshable_session(claims.session_id, claims.user_id, now)
    if session is None:
        raise NotAuthenticated("The session has ended.", code="token_not_valid")
    if session.previous_jti == claims.jti and now - session.last_seen_at <= settings.REFRESH_GRACE_PERIOD:
        return issue_tokens(session), session.user
    _revoke_on_reuse(session, now, address)
    raise NotAuthenticated("The session has ended.", code="token_not_valid")


def _rotate(session: Session, now: datetime, address: str | None) -> bool:
    """Replace the refresh token that was read, unless somebody else has done so since."""
    after = {
        "previous_jti": session.refresh_jti,
        "refresh_jti": uuid.uuid4().hex,
        "last_seen_at": now,
        "expires_at": compute_expiry(session.created_at, now),
        "ip_address": address or session.ip_address,
    }
    same = Session.objects.open(now).filter(pk=session.pk, refresh_jti=session.refresh_jti)
    if not same.update(**after):
        return False
    for name, value in after.items():
        setattr(session, name, value)
    return True


@transaction.atomic
def _revoke_on_reuse(session: Session, now: datetime, address: str | None) -> None:
    same = Session.objects.open(now).filter(pk=session.pk)
    if not revoke(same, actor=session.user, now=now, reason="refresh token used again"):
        return  # somebody else found the same out at the same moment
    found = {**session_payload(session), "used_from": address or ""}
    publish(events.RefreshTokenReused(user=user_payload(session.user), session=found), actor=None, at=now)


@transaction.atomic
def revoke_session(*, actor: User, session_id: uuid.UUID, now: datetime, reason: str = "revoked") -> None:
    """End one of the actor's own sessions; it is refused from the next request on."""
    mine = Session.objects.open(now).filter(pk=session_id, user=actor)
    if not revoke(mine, actor=actor, now=now, reason=reason):
        raise NotFound("There is no such session.")


@transaction.atomic
def revoke_all_sessions(*, actor: User, now: datetime) -> int:
    """End every session of the actor, and what an ended one may have proposed; returns how many there were."""
    email_addresses.cancel_email_change(user=actor)
    return revoke(Session.objects.open(now).filter(user=actor), actor=actor, now=now, reason="everywhere")


@transaction.atomic
def revoke_other_sessions(*, actor: User, keep: uuid.UUID | None, now: datetime, reason: str = "others") -> int:
    """End every session of the actor but the one to keep, and what the others may have proposed; returns how many."""
    email_addresses.cancel_email_change(user=actor)
    return _revoke_others(actor, keep, now, reason)


@transaction.atomic
def revoke_sessions_without_mfa(*, actor: User, keep: uuid.UUID | None, now: datetime) -> int:
    """End those that were opened before the actor's first second factor, and by the password alone."""
    return _revoke_others(actor, keep, now, "second factor set up")


def _revoke_others(actor: User, keep: uuid.UUID | None, now: datetime, reason: str) -> int:
    mine = Session.objects.open(now).filter(user=actor)
    return revoke(mine.exclude(pk=keep) if keep else mine, actor=actor, now=now, reason=reason)


def revoke(sessions: Any, *, actor: User | None, now: datetime, reason: str) -> int:
    """End these open sessions, of whomever they are, in the present transaction; returns how many there were."""
    ended = list(sessions.select_related("user").select_for_update(of=("self",)).order_by("pk"))
    Session.objects.filter(pk__in=[one.pk for one in ended]).update(revoked_at=now)
    if reason != SIGNED_OUT:
        _untrust(ended, now)
    cache.mark_revoked_after_commit(one.pk for one in ended)
    publish_all(
        [events.SessionRevoked(user=user_payload(one.user), session_id=str(one.pk), reason=reason) for one in ended],
        actor=actor,
        at=now,
    )
    return len(ended)


def _untrust(ended: Collection[Session], now: datetime) -> None:
    """From where these were opened their people are not known any more, whichever session they were known by.

    What is open still, at the same device or address, goes on, and its person stays known there by it.
    """
    over = Session.objects.filter(Q(revoked_at__isnull=False) | Q(expires_at__lte=now), is_untrusted=False)
    for user_id in {one.user_id for one in ended}:
        mine = [one for one in ended if one.user_id == user_id]
        places = Q(device_hash__in={one.device_hash for one in mine}) | Q(
            ip_address__in={one.ip_address for one in mine if one.ip_address}
        )
        over.filter(places, user=user_id).update(is_untrusted=True)


def purge_sessions(*, now: datetime) -> int:
    """Remove sessions that ended long ago, and the cookies' own; returns how many there were of ours."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    total, old = 0, Session.objects.filter(expires_at__lt=now - RETENTION)
    while batch := list(old.values_list("pk", flat=True)[:BATCH_SIZE]):
        total += Session.objects.filter(pk__in=batch).delete()[0]
    return total
