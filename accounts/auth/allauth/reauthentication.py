"""Whether a browser's user has confirmed recently that it is them, as allauth records it."""

from __future__ import annotations

import uuid

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.auth import reauthentication
from accounts.auth.allauth.internals import is_reauthentication_required
from accounts.auth.reauthentication import RecentLoginRequired
from accounts.auth.sessions.middleware import SESSION_ID_KEY
from core.errors import NotAuthenticated
from core.form_idempotency import mark_unfinished


def reauthentication_redirect(request: HttpRequest, next_url: str = "") -> HttpResponse | None:
    """Return the redirect to the reauthentication page; None where the user confirmed recently.

    That page goes on to `next_url`.
    """
    next_url = next_url or reverse("socialaccount_connections")
    if not request.user.is_authenticated:
        return mark_unfinished(HttpResponseRedirect(f"{reverse('login')}?{urlencode({'next': next_url})}"))
    methods = get_adapter().get_reauthentication_methods(request.user)
    if not methods:
        return None if _has_recent_session(request) else _redirect_to_login(request, next_url)
    if not is_reauthentication_required(request, app="allauth.socialaccount"):
        return None
    messages.info(request, "Confirm it's you, then try again.")
    return mark_unfinished(HttpResponseRedirect(f"{methods[0]['url']}?{urlencode({'next': next_url})}"))


def require_recent_session(request: HttpRequest) -> None:
    """Send users who have nothing to confirm with to sign in again.

    Raises ImmediateHttpResponse. It guards the pages that ask allauth whether reauthentication is required.
    """
    if not request.user.is_authenticated or get_adapter().get_reauthentication_methods(request.user):
        return
    if _has_recent_session(request):
        return
    next_url = request.path if request.method == "GET" else reverse("mfa_index")
    raise ImmediateHttpResponse(_redirect_to_login(request, next_url))


def _has_recent_session(request: HttpRequest) -> bool:
    """Whether the session is recent by the rule of the API."""
    try:
        reauthentication.require_recent_login(session_id=uuid.UUID(request.session[SESSION_ID_KEY]), now=timezone.now())
    except (KeyError, RecentLoginRequired, NotAuthenticated):
        return False
    return True


def _redirect_to_login(request: HttpRequest, next_url: str) -> HttpResponse:
    auth.logout(request)
    messages.info(request, "Sign in again to confirm it's you, then try again.")
    return mark_unfinished(HttpResponseRedirect(f"{reverse('login')}?{urlencode({'next': next_url})}"))
