"""A browser's sign-in as a row beside all others: opened, seen and ended with Django's own session.

Whatever page lets somebody in or out, it calls Django's `login` and `logout`; here the row follows. Who asks is read
together with the row, from PostgreSQL at each request, so what ends a session ends it on every node at once.
"""

from __future__ import annotations

import secrets
import uuid
from contextlib import suppress

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from accounts.auth.sessions import selectors, services
from accounts.models import Session, User
from accounts.users import selectors as users_selectors
from core.errors import NotAuthenticated, NotFound
from core.http.client_ip import client_ip, user_agent

SESSION_ID_KEY = "_session_id"
DEVICE_COOKIE_MAX_AGE = 365 * 24 * 3600
MAX_DEVICE_COOKIE_LENGTH = 64


class SessionTrackingMiddleware(AuthenticationMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: _load_user(request))  # type: ignore[assignment]

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if response.status_code < 500 and request.session.accessed:
            _sync_session(request, response)
        return response


def current_session(request: HttpRequest) -> Session | None:
    """The row of the browser that asks; None for somebody who is not signed in."""
    if not hasattr(request, "_device"):
        request._device = _load(request)  # type: ignore[attr-defined]
    found: Session | None = request._device  # type: ignore[attr-defined]
    return found


def _load(request: HttpRequest) -> Session | None:
    """A row that has ended, or that is somebody else's, ends the cookie's session too."""
    row = request.session.get(SESSION_ID_KEY)
    if row is None:
        return None
    found = selectors.get_active_browser_session(uuid.UUID(row), timezone.now())
    if found is not None and request.session.get(SESSION_KEY) == str(found.user_id):
        if _has_current_password_hash(request, found.user):
            return found
        _revoke(found, reason="password changed")
    request.session.flush()
    return None


def _revoke(session: Session, *, reason: str) -> None:
    with suppress(NotFound):  # somebody else has ended it
        services.revoke_session(actor=session.user, session_id=session.pk, now=timezone.now(), reason=reason)


def _has_current_password_hash(request: HttpRequest, user: User) -> bool:
    """However the password was changed, a sign-in with the one before ends (Django's own rule)."""
    kept = request.session.get(HASH_SESSION_KEY, "")
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(kept, one) for one in hashes)


def _load_user(request: HttpRequest) -> User | AnonymousUser:
    if SESSION_ID_KEY in request.session:
        device = current_session(request)
        return device.user if device else AnonymousUser()
    if SESSION_KEY in request.session:  # of a sign-in that came to no row
        request.session.flush()
    return AnonymousUser()


def _sync_session(request: HttpRequest, response: HttpResponse) -> None:
    """Let the row follow what this request has made of the cookie's session."""
    before: Session | None = getattr(request, "_device", None)
    row = request.session.get(SESSION_ID_KEY)
    if before is not None and row != str(before.pk):
        _revoke(before, reason=services.SIGNED_OUT)
    if SESSION_KEY in request.session and row is None:
        _start_session(request, response)
    elif before is not None and row == str(before.pk):
        services.touch(before, now=timezone.now(), address=client_ip(request))


def _start_session(request: HttpRequest, response: HttpResponse) -> None:
    cookie = _device_cookie(request) or secrets.token_urlsafe(24)
    session = _create_session(request, cookie)
    if session is None:
        request.session.flush()
        return
    request.session[SESSION_ID_KEY] = str(session.pk)
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        cookie,
        max_age=DEVICE_COOKIE_MAX_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _create_session(request: HttpRequest, cookie: str) -> Session | None:
    """None for somebody whose password was changed, or who was switched off, while they signed in."""
    user = users_selectors.find_active_user(request.session[SESSION_KEY])
    if user is None or not _has_current_password_hash(request, user):
        return None
    with suppress(NotAuthenticated):
        return services.open_browser_session(
            user=user,
            now=timezone.now(),
            user_agent=user_agent(request),
            address=client_ip(request),
            cookie=cookie,
        )
    return None


def _device_cookie(request: HttpRequest) -> str:
    """The secret by which this browser is recognised after it has signed out; empty when it has none yet."""
    return request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")[:MAX_DEVICE_COOKIE_LENGTH]
