"""Whether somebody has shown lately that it is they, as allauth keeps it."""

from __future__ import annotations

import uuid

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows, is_reauthentication_required
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from allauth.core.internal.httpkit import is_headless_request
from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.auth import reauthentication
from accounts.auth.reauthentication import RecentLoginRequired
from accounts.auth.sessions.middleware import SESSION_ID_KEY
from core.errors import NotAuthenticated


def reauthentication_redirect(request: HttpRequest, back: str = "") -> HttpResponse | None:
    """Who changes how they sign in has shown lately that it is they; return the door for it, and then `back`, to the others."""
    back = back or reverse("socialaccount_connections")
    if not request.user.is_authenticated:
        return HttpResponseRedirect(f"{reverse('login')}?{urlencode({'next': back})}")
    methods = get_adapter().get_reauthentication_methods(request.user)
    if not methods:
        return None if _is_recent(request) else _redirect_to_login(request, back)
    if not is_reauthentication_required(request, app="allauth.socialaccount"):
        return None
    messages.info(request, "Confirm that it is you, then do it once more.")
    return HttpResponseRedirect(f"{methods[0]['url']}?{urlencode({'next': back})}")


def require_recent_session(request: HttpRequest) -> None:
    """For what allauth guards itself: raise for somebody who has nothing to confirm with and signed in too long ago."""
    if not request.user.is_authenticated or get_reauthentication_flows(request.user) or _is_recent(request):
        return
    if is_headless_request(request):
        raise ReauthenticationRequired
    back = request.path if request.method == "GET" else reverse("mfa_index")
    raise ImmediateHttpResponse(_redirect_to_login(request, back))


def _is_recent(request: HttpRequest) -> bool:
    """Who has neither a password nor a factor proves it by signing in anew, with their provider: the rule of the API."""
    try:
        reauthentication.require_recent_login(session_id=uuid.UUID(request.session[SESSION_ID_KEY]), now=timezone.now())
    except (KeyError, RecentLoginRequired, NotAuthenticated):
        return False
    return True


def _redirect_to_login(request: HttpRequest, back: str) -> HttpResponse:
    auth.logout(request)
    messages.info(request, "Sign in again to show that it is you, then do it once more.")
    return HttpResponseRedirect(f"{reverse('login')}?{urlencode({'next': back})}")
