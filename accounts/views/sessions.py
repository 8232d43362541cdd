"""The browsers and programs in which one is signed in."""

from __future__ import annotations

from uuid import UUID

from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import selectors, services
from accounts.browsers import device_of
from accounts.callers import person_of
from core.htmx import page

SHOWN = 100


@login_required
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """This browser first, then what was seen last."""
    device = device_of(request)
    found = selectors.sessions_of(person_of(request), timezone.now()).order_by("-rotated_at")[:SHOWN]
    others = [one for one in found if one != device]
    return page(request, "accounts/sessions.html", {"current": device, "others": others, "tab": "sessions"})


@login_required
@require_POST
def revoke_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    services.revoke_session(actor=person_of(request), session_id=session_id, now=timezone.now())
    messages.success(request, "That device is signed out.")
    return redirect("settings-sessions")


@login_required
@require_POST
def revoke_other_sessions(request: HttpRequest) -> HttpResponse:
    device = device_of(request)
    ended = services.end_other_sessions(
        actor=person_of(request), keep=device.pk if device else None, now=timezone.now()
    )
    messages.success(
        request, f"{ended} other devices are signed out." if ended != 1 else "The other device is signed out."
    )
    return redirect("settings-sessions")


@login_required
@require_POST
def revoke_all_sessions(request: HttpRequest) -> HttpResponse:
    """Everywhere, and so here too."""
    services.revoke_all_sessions(actor=person_of(request), now=timezone.now())
    auth.logout(request)
    messages.success(request, "You are signed out on all devices.")
    return redirect("login")
