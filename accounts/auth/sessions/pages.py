"""The browsers and programs in which one is signed in."""

from __future__ import annotations

from uuid import UUID

from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.auth.requests import get_request_user
from accounts.auth.sessions import selectors, services
from accounts.auth.sessions.middleware import current_session
from core.htmx import render_page

MAX_LISTED = 100


@login_required
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """This browser first, then what was seen last."""
    device = current_session(request)
    found = selectors.list_sessions(get_request_user(request), timezone.now()).order_by("-last_seen_at")[:MAX_LISTED]
    others = [one for one in found if one != device]
    return render_page(request, "accounts/sessions.html", {"current": device, "others": others, "tab": "sessions"})


@login_required
@require_POST
def revoke_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    services.revoke_session(actor=get_request_user(request), session_id=session_id, now=timezone.now())
    messages.success(request, "That device is signed out.")
    return redirect("settings-sessions")


@login_required
@require_POST
def revoke_other_sessions(request: HttpRequest) -> HttpResponse:
    device = current_session(request)
    ended = services.revoke_other_sessions(
        actor=get_request_user(request), keep=device.pk if device else None, now=timezone.now()
    )
    messages.success(
        request, f"{ended} other devices are signed out." if ended != 1 else "The other device is signed out."
    )
    return redirect("settings-sessions")


@login_required
@require_POST
def revoke_all_sessions(request: HttpRequest) -> HttpResponse:
    """Everywhere, and so here too."""
    services.revoke_all_sessions(actor=get_request_user(request), now=timezone.now())
    auth.logout(request)
    messages.success(request, "You are signed out on all devices.")
    return redirect("login")
