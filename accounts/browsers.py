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

from accounts import selectors, services
from accounts.models import Session, User
from core.errors import NotFound, NotSignedIn
from gateway.headers import client_address
from gateway.views import user_agent

ROW = "_session_row"
COOKIE_SECONDS = 365 * 24 * 3600
LONGEST_COOKIE = 64


class BrowserMiddleware(AuthenticationMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: _person_of(request))  # type: ignore[assignment]

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if response.status_code < 500 and request.session.accessed:
            _follow(request, response)
        return response


def device_of(request: HttpRequest) -> Session | None:
    """The row of the browser that asks; None for somebody who is not signed in."""
    if not hasattr(request, "_device"):
        request._device = _found(request)  # type: ignore[attr-defined]
    found: Session | None = request._device  # type: ignore[attr-defined]
    return found


def _found(request: HttpRequest) -> Session | None:
    """A row that has ended, or that is somebody else's, ends the cookie's session too."""
    row = request.session.get(ROW)
    if row is None:
        return None
    found = selectors.browser_session(uuid.UUID(row), timezone.now())
    if found is not None and request.session.get(SESSION_KEY) == str(found.user_id):
        if _is_of_this_password(request, found.user):
            return found
        _end(found, reason="password changed")
    request.session.flush()
    return None


def _end(session: Session, *, reason: str) -> None:
    with suppress(NotFound):  # somebody else has ended it
        services.revoke_session(actor=session.user, session_id=session.pk, now=timezone.now(), reason=reason)


def _is_of_this_password(request: HttpRequest, person: User) -> bool:
    """However the password was changed, a sign-in with the one before ends (Django's own rule)."""
    kept = request.session.get(HASH_SESSION_KEY, "")
    hashes = [person.get_session_auth_hash(), *person.get_session_auth_fallback_hash()]
    return any(constant_time_compare(kept, one) for one in hashes)


def _person_of(request: HttpRequest) -> User | AnonymousUser:
    if ROW in request.session:
        device = device_of(request)
        return device.user if device else AnonymousUser()
    if SESSION_KEY in request.session:  # of a sign-in that came to no row
        request.session.flush()
    return AnonymousUser()


def _follow(request: HttpRequest, response: HttpResponse) -> None:
    """Let the row follow what this request has made of the cookie's session."""
    before: Session | None = getattr(request, "_device", None)
    row = request.session.get(ROW)
    if before is not None and row != str(before.pk):
        _end(before, reason=services.SIGNED_OUT)
    if SESSION_KEY in request.session and row is None:
        _open(request, response)
    elif before is not None and row == str(before.pk):
        services.note_seen(before, now=timezone.now(), address=client_address(request))


def _open(request: HttpRequest, response: HttpResponse) -> None:
    cookie = _cookie(request) or secrets.token_urlsafe(24)
    session = _new_row(request, cookie)
    if session is None:
        request.session.flush()
        return
    request.session[ROW] = str(session.pk)
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        cookie,
        max_age=COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _new_row(request: HttpRequest, cookie: str) -> Session | None:
    """None for somebody whose password was changed, or who was switched off, while they signed in."""
    person = selectors.active_person(request.session[SESSION_KEY])
    if person is None or not _is_of_this_password(request, person):
        return None
    with suppress(NotSignedIn):
        return services.open_browser_session(
            user=person,
            now=timezone.now(),
            user_agent=user_agent(request),
            address=client_address(request),
            cookie=cookie,
        )
    return None


def _cookie(request: HttpRequest) -> str:
    """The secret by which this browser is recognised after it has signed out; empty when it has none yet."""
    return request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")[:LONGEST_COOKIE]
