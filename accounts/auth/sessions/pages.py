"""The page of the user's sessions in browsers and API clients."""

from __future__ import annotations

from uuid import UUID

from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.auth.requests import get_request_user
from accounts.auth.sessions import selectors, services
from accounts.auth.sessions.middleware import current_session
from core.clock import current_time
from core.htmx import render_page

MAX_LISTED = 100


@login_required
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """List this browser first, then the others by when they were last seen."""
    current, user = current_session(request), get_request_user(request)
    rows = selectors.list_sessions(user, current_time()).order_by("-last_seen_at")[:MAX_LISTED]
    context = {"current": current, "others": [session for session in rows if session != current], "tab": "sessions"}
    return render_page(request, "accounts/sessions.html", context)


@login_required
@require_POST
def revoke_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    services.revoke_session(actor=get_request_user(request), session_id=session_id, now=current_time())
    messages.success(request, gettext("That device is signed out."))
    return redirect("settings-sessions")


@login_required
@require_POST
def revoke_other_sessions(request: HttpRequest) -> HttpResponse:
    current = current_session(request)
    count = services.revoke_other_sessions(
        actor=get_request_user(request), keep=current.pk if current else None, now=current_time()
    )
    messages.success(
        request,
        "1 other device is signed out."
        if count == 1
        else gettext("%(count)s other devices are signed out.") % {"count": count},
    )
    return redirect("settings-sessions")


@login_required
@require_POST
def revoke_all_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out of all devices, this browser included."""
    services.revoke_all_sessions(actor=get_request_user(request), now=current_time())
    auth.logout(request)
    messages.success(request, gettext("You are signed out of all devices."))
    return redirect("login")
