"""A browser's session row, which follows Django's own session.

Pages call Django's `login` and `logout`; the row is created and revoked here. User and row are read together at each
request, so a revoked session ends on every node at once.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject
from django_htmx.http import HttpResponseClientRedirect

from accounts.auth.sessions import device_cookies, selectors, services
from accounts.models import Session, User
from accounts.users import selectors as users_selectors
from core.api.endpoints import API_PREFIX, endpoint_of
from core.clock import current_time
from core.errors import NotAuthenticated, NotFound, RateLimited
from core.htmx import rate_limited_page
from core.http.client_ip import client_ip, user_agent
from core.rate_limits import Use, consume

SESSION_ID_KEY = "_session_id"
# Set by a sign-in with MFA, until its row is created.
MFA_VERIFIED_KEY = "_mfa_verified"


class SessionTrackingMiddleware(AuthenticationMiddleware):
    """Sets `request.user` from the session row, and keeps the row in step with Django's session."""

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: _load_user(request))  # type: ignore[assignment]

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Create, revoke or touch the row, by what this request did to Django's session."""
        # After a failure the row stays as it was: what the request did to Django's session was not saved either.
        if response.status_code >= 500 or not request.session.accessed:
            return response
        before: Session | None = getattr(request, "_current_session", None)
        session_id = request.session.get(SESSION_ID_KEY)
        if before is not None and session_id != str(before.pk):
            _revoke(before, reason=services.SIGNED_OUT)
        if SESSION_KEY in request.session and session_id is None:
            _start_session(request, response)
        elif before is not None and session_id == str(before.pk):
            services.touch(before, now=current_time(), address=client_ip(request))
        return response


def current_session(request: HttpRequest) -> Session | None:
    """Return the session of the browser with its user; None for an anonymous one."""
    if not hasattr(request, "_current_session"):
        request._current_session = _load(request)  # type: ignore[attr-defined]
    session: Session | None = request._current_session  # type: ignore[attr-defined]
    return session


def _load(request: HttpRequest) -> Session | None:
    """Load the session, and end Django's where the row was revoked or is another user's."""
    session_id = request.session.get(SESSION_ID_KEY)
    if session_id is None:
        return None
    session = selectors.get_active_browser_session(uuid.UUID(session_id), current_time())
    # Django's session and the row must name the same user, or the browser would act as one and be listed as another.
    if session is not None and request.session.get(SESSION_KEY) == str(session.user_id):
        if _has_current_password_hash(request, session.user):
            return session
        _revoke(session, reason="password changed")
    request.session.flush()
    return None


def _revoke(session: Session, *, reason: str) -> None:
    with suppress(NotFound):  # a concurrent request has revoked it
        services.revoke_session(actor=session.user, session_id=session.pk, now=current_time(), reason=reason)


def _has_current_password_hash(request: HttpRequest, user: User) -> bool:
    """Whether the password is the one of the sign-in: another one ends the session, as in Django itself."""
    session_hash = request.session.get(HASH_SESSION_KEY, "")
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(session_hash, item) for item in hashes)


def _load_user(request: HttpRequest) -> User | AnonymousUser:
    if SESSION_ID_KEY in request.session:
        session = current_session(request)
        return session.user if session else AnonymousUser()
    if SESSION_KEY in request.session:  # a sign-in whose row was not created
        request.session.flush()
    return AnonymousUser()


def _start_session(request: HttpRequest, response: HttpResponse) -> None:
    """Create the row, or sign out where the user changed since their credential was verified."""
    mfa_verified = request.session.pop(MFA_VERIFIED_KEY, False)
    user = users_selectors.find_active_user(request.session[SESSION_KEY])
    if user is None or not _has_current_password_hash(request, user):
        request.session.flush()
        return
    browser_secrets = device_cookies.read_secrets(request)
    secret = device_cookies.trusted_or_new_secret(user, browser_secrets)
    try:
        session = services.open_session(
            user=user,
            now=current_time(),
            user_agent=user_agent(request),
            address=client_ip(request),
            cookie=secret,
            mfa_verified=mfa_verified,
        )
    except NotAuthenticated:
        request.session.flush()
        return
    request.session[SESSION_ID_KEY] = str(session.pk)
    device_cookies.set_cookie(response, secret, browser_secrets)


class PageRateLimitMiddleware:
    """Limits the pages of each user, and the forms of each anonymous address.

    The gateway limits the API. Static files never come here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        if request.path.startswith(API_PREFIX) or endpoint_of(view).is_monitoring:
            return None
        session = current_session(request)
        try:
            if session is None:
                if request.method == "POST":
                    consume(request, Use("form", client_ip(request), settings.ANONYMOUS_FORM_RATE))
            elif session.user.tier != User.Tier.LOAD:
                consume(request, Use("page", str(session.user_id), settings.PAGE_RATE))
        except RateLimited as error:
            return rate_limited_page(request, error)
        return None


class RequireMfaMiddleware:
    """Redirects users who must set up MFA to their security settings.

    It covers every page that is not `mfa_exempt`, the admin included; BearerAuthentication does it for the API.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        if request.path.startswith(API_PREFIX) or endpoint_of(view).is_mfa_exempt(request):
            return None
        session = current_session(request)
        if session is None or not session.mfa_setup_required:
            return None
        url = reverse("mfa_index")
        return HttpResponseClientRedirect(url) if request.headers.get("HX-Request") else HttpResponseRedirect(url)
