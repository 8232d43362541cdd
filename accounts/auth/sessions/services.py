"""Sessions: opening, refreshing and revoking them, and the tokens of programs (RFC 7519).

There is one row for each browser and each API client. Tokens have the session in `sid` and their key in `kid`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import jwt
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Q
from django.utils.translation import gettext, gettext_noop
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts import events
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.sessions import cache, selectors
from accounts.events import session_payload, user_payload
from accounts.models import Session, User
from accounts.models.sessions import MFA_TYPES
from core.clock import current_time
from core.errors import NotAuthenticated, NotFound
from core.http.client_ip import describe_user_agent
from core.security.hashing import sha256_hex
from core.security.tokens import ACCESS, MEDIA_TYPES, REFRESH, key_id, verify_jwt
from events.outbox import publish, publish_all

RETENTION = timedelta(days=30)
# A user who has just registered gets no email about a new device.
NEW_USER_PERIOD = timedelta(minutes=10)
TOUCH_INTERVAL = timedelta(minutes=5)
# Remembered within REFRESH_GRACE_PERIOD: a client that rotates faster than twice a second is broken.
MAX_REPLACED_TOKENS = 20
BATCH_SIZE = 5000
# The one reason after which the device and the address of a session stay trusted, see revoke().
SIGNED_OUT = "signed out"
SESSION_ENDED = gettext_noop("The session has ended.")


@transaction.atomic
def open_session(
    *,
    user: User,
    now: datetime,
    user_agent: str = "",
    address: str | None = None,
    cookie: str = "",
    mfa_verified: bool = False,
) -> Session:
    """Open a session of a browser with this device cookie; without one, of a program.

    Raises NotAuthenticated where the user changed since their credential was verified.
    """
    if cookie:
        columns = {"kind": Session.Kind.BROWSER, "device_hash": sha256_hex(cookie)}
    else:
        # A client is recognised by its name and its network, as providers change the last part of an address.
        network = (address.rpartition(".")[0] or address) if address else ""
        device_hash = sha256_hex(f"{describe_user_agent(user_agent)} {network}")
        columns = {"kind": Session.Kind.API, "device_hash": device_hash, "refresh_jti": uuid.uuid4().hex}
    # Changing the password and adding the first MFA method revoke open sessions. This one, not open yet, would outlive
    # that. Both lock the user's row, as this does, so the row decides which came first.
    unchanged = User.objects.filter(pk=user.pk, password=user.password, is_active=True).select_for_update(no_key=True)
    if not unchanged.values_list("pk").first():
        raise NotAuthenticated(SESSION_ENDED, code="token_not_valid")
    # Of one kind: the hash of a program is that of a text which a browser could send as its cookie.
    known = Session.objects.filter(
        user=user.pk, kind=columns["kind"], device_hash=columns["device_hash"], is_untrusted=False
    )
    mfa = Authenticator.objects.filter(user=user.pk, type__in=MFA_TYPES)
    is_known, has_mfa = User.objects.filter(pk=user.pk).values_list(Exists(known), Exists(mfa)).get()
    if has_mfa and not mfa_verified:
        raise NotAuthenticated(SESSION_ENDED, code="token_not_valid")
    session = Session.objects.create(
        user=user,
        created_at=now,
        last_seen_at=now,
        expires_at=compute_expiry(now, now),
        user_agent=user_agent,
        ip_address=address,
        **columns,
    )
    is_new = not is_known and now - user.created_at > NEW_USER_PERIOD
    payload = {**session_payload(session), "is_new": is_new}
    publish(events.SessionOpened(user=user_payload(user), session=payload), actor=user, at=now)
    return session


def compute_expiry(created_at: datetime, seen_at: datetime) -> datetime:
    """Return when a session expires: SESSION_IDLE_TIMEOUT after its last use, SESSION_LIFETIME after its start."""
    return min(seen_at + settings.SESSION_IDLE_TIMEOUT, created_at + settings.SESSION_LIFETIME)


def touch(session: Session, *, now: datetime, address: str | None) -> None:
    """Record that a browser is in use and from where, every few minutes at most."""
    if now - session.last_seen_at < TOUCH_INTERVAL:
        return
    rows = Session.objects.open(now).filter(pk=session.pk, last_seen_at=session.last_seen_at)
    rows.update(last_seen_at=now, expires_at=compute_expiry(session.created_at, now), ip_address=address)


def refresh_session(*, token: str, now: datetime, address: str | None = None) -> tuple[TokenPair, User]:
    """Exchange a refresh token for the next pair. Raises NotAuthenticated.

    One conditional UPDATE decides which of concurrent requests rotates the token. For REFRESH_GRACE_PERIOD afterwards
    a replaced token returns the present pair (a second tab, a lost response: FAPI 2.0, section 5.3.2.1). Later use
    of a replaced token means that it was stolen: it revokes the session and notifies the user (RFC 9700, 4.14.2).
    """
    claims = read_refresh(token)
    session = selectors.get_refreshable_session(claims.session_id, claims.user_id, now)
    if session is not None and session.refresh_jti == claims.jti:
        if _rotate(session, now, address):
            return issue_tokens(session), session.user
        # A concurrent request was first. Its result decides whether this token may still be exchanged.
        session = selectors.get_refreshable_session(claims.session_id, claims.user_id, now)
    if session is None:
        raise NotAuthenticated(SESSION_ENDED, code="token_not_valid")
    if claims.jti in _within_grace(session, now):
        return issue_tokens(session), session.user
    _revoke_on_reuse(session, now, address)
    raise NotAuthenticated(SESSION_ENDED, code="token_not_valid")


def _within_grace(session: Session, now: datetime) -> dict[str, float]:
    """Return the replaced tokens that may still be used, by the time of replacement."""
    oldest = (now - settings.REFRESH_GRACE_PERIOD).timestamp()
    recent = {jti: replaced_at for jti, replaced_at in session.replaced_jtis.items() if replaced_at >= oldest}
    # jsonb keeps no order.
    return dict(sorted(recent.items(), key=lambda item: item[1])[-MAX_REPLACED_TOKENS:])


def _rotate(session: Session, now: datetime, address: str | None) -> bool:
    """Replace the refresh token, unless a concurrent request has done so. Returns whether it did."""
    columns = {
        "replaced_jtis": {**_within_grace(session, now), session.refresh_jti: now.timestamp()},
        "refresh_jti": uuid.uuid4().hex,
        "last_seen_at": now,
        "expires_at": compute_expiry(session.created_at, now),
        "ip_address": address or session.ip_address,
    }
    unchanged = Session.objects.open(now).filter(pk=session.pk, refresh_jti=session.refresh_jti)
    if not unchanged.update(**columns):
        return False
    for name, value in columns.items():
        setattr(session, name, value)
    return True


@transaction.atomic
def _revoke_on_reuse(session: Session, now: datetime, address: str | None) -> None:
    rows = Session.objects.open(now).filter(pk=session.pk)
    if not revoke(rows, actor=session.user, now=now, reason="refresh token used again"):
        return  # a concurrent request has found the same
    payload = {**session_payload(session), "used_from": address or ""}
    publish(events.RefreshTokenReused(user=user_payload(session.user), session=payload), actor=None, at=now)


@transaction.atomic
def revoke_session(*, actor: User, session_id: uuid.UUID, now: datetime, reason: str = "revoked") -> None:
    """Revoke one of the actor's own sessions, from the next request on. Raises NotFound."""
    rows = Session.objects.open(now).filter(pk=session_id, user=actor)
    if not revoke(rows, actor=actor, now=now, reason=reason):
        raise NotFound(gettext("There is no such session."))


def revoke_all_sessions(*, actor: User, now: datetime) -> int:
    """Revoke the actor's sessions and cancel a pending email change. Returns how many there were."""
    return revoke_other_sessions(actor=actor, keep=None, now=now, reason="everywhere")


@transaction.atomic
def revoke_other_sessions(*, actor: User, keep: uuid.UUID | None, now: datetime, reason: str = "others") -> int:
    """Revoke the actor's sessions but `keep`, and cancel a pending email change. Returns how many."""
    email_addresses.cancel_email_change(user=actor)
    others = Session.objects.open(now).filter(user=actor).excluding(keep)
    return revoke(others, actor=actor, now=now, reason=reason)


def revoke(sessions: Any, *, actor: User | None, now: datetime, reason: str) -> int:
    """Revoke the open sessions of a queryset in the caller's transaction. Returns how many there were."""
    revoked = list(sessions.select_related("user").select_for_update(of=("self",)).order_by("pk"))
    Session.objects.filter(pk__in=[session.pk for session in revoked]).update(revoked_at=now)
    if reason != SIGNED_OUT:
        _untrust(revoked, now)
    cache.mark_revoked_after_commit(session.pk for session in revoked)
    publish_all(
        [
            events.SessionRevoked(user=user_payload(session.user), session_id=str(session.pk), reason=reason)
            for session in revoked
        ],
        actor=actor,
        at=now,
    )
    return len(revoked)


def _untrust(revoked: Collection[Session], now: datetime) -> None:
    """Stop trusting the devices and addresses of revoked sessions, whichever session they were known by.

    A session that is still open there goes on, and keeps its device and address trusted.
    """
    # An earlier session at the same place would keep the thief's device trusted, so all ended ones are marked.
    over = Session.objects.filter(Q(revoked_at__isnull=False) | Q(expires_at__lte=now), is_untrusted=False)
    for user_id in {session.user_id for session in revoked}:
        own = [session for session in revoked if session.user_id == user_id]
        places = Q(device_hash__in={session.device_hash for session in own}) | Q(
            ip_address__in={session.ip_address for session in own if session.ip_address}
        )
        over.filter(places, user=user_id).update(is_untrusted=True)


def purge_sessions(*, now: datetime) -> int:
    """Delete sessions that ended long ago, and Django's expired ones. Returns how many of ours there were."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    total, expired = 0, Session.objects.filter(expires_at__lt=now - RETENTION)
    while batch := list(expired.values_list("pk", flat=True)[:BATCH_SIZE]):
        total += Session.objects.filter(pk__in=batch).delete()[0]
    return total


class SigningBackend(TokenBackend):
    """Signs with named keys that can be replaced. core.security.tokens verifies, here and in the gateway."""

    def __init__(self, kind: str) -> None:
        super().__init__(settings.SIMPLE_JWT["ALGORITHM"], settings.SIMPLE_JWT["SIGNING_KEY"])
        self.kind = kind

    def encode(self, payload: dict[str, Any]) -> str:
        rules = settings.SIMPLE_JWT
        claims = {**payload, "aud": rules["AUDIENCE"], "iss": rules["ISSUER"]}
        headers = {"kid": key_id(rules["SIGNING_KEY"]), "typ": MEDIA_TYPES[self.kind]}
        return jwt.encode(claims, rules["SIGNING_KEY"], algorithm=rules["ALGORITHM"], headers=headers)


class SessionAccessToken(AccessToken):
    _token_backend = SigningBackend(ACCESS)


class SessionRefreshToken(RefreshToken):
    _token_backend = SigningBackend(REFRESH)


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str


def issue_tokens(session: Session) -> TokenPair:
    """Return the tokens of a session. The refresh token follows from the row, so it is the same each time."""
    access, refresh, now = SessionAccessToken(), SessionRefreshToken(), current_time()
    access.set_iat(at_time=now)
    access.set_exp(from_time=now, lifetime=access.lifetime)
    for token in (access, refresh):
        token["sub"], token["sid"] = str(session.user_id), str(session.pk)
    refresh.set_iat(at_time=session.last_seen_at)
    refresh.payload["jti"] = session.refresh_jti
    idle_end = session.last_seen_at + settings.SESSION_IDLE_TIMEOUT
    refresh.set_exp(from_time=min(idle_end, session.expires_at), lifetime=timedelta())
    return TokenPair(access=str(access), refresh=str(refresh))


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    session_id: uuid.UUID
    user_id: uuid.UUID
    jti: str


def read_refresh(text: str) -> RefreshClaims:
    """Return the claims of a valid refresh token. Raises NotAuthenticated; all failures look the same."""
    try:
        claims = verify_jwt(text, settings.SIMPLE_JWT, kind=REFRESH)
        return RefreshClaims(uuid.UUID(claims["sid"]), uuid.UUID(claims["sub"]), str(claims["jti"]))
    # A signed token with malformed claims makes uuid.UUID() raise the last three.
    except (jwt.PyJWTError, ValueError, AttributeError, TypeError) as error:
        raise NotAuthenticated(gettext("The token is not valid."), code="token_not_valid") from error
