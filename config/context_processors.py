"""What the frame of every page shows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.auth.sessions.middleware import current_session
from accounts.models import User
from notifications.inbox import selectors as notifications

# How pages look to somebody we do not know.
DEFAULT_APPEARANCE = {"language": "en", "theme": "system", "density": "comfortable", "shortcuts": True}


def page_context(request: HttpRequest) -> dict[str, Any]:
    about_us = {"version": settings.VERSION, "mailbox_enabled": bool(settings.MAILBOX_DIR)}
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {**about_us, **DEFAULT_APPEARANCE, "unread_count": 0, "mfa_setup_required": False}
    unread = SimpleLazyObject(lambda: notifications.unread_count(user))
    look = {name: getattr(user, name) for name in DEFAULT_APPEARANCE}
    # A page that tells of a failure of the API has no session behind it.
    device = current_session(request) if hasattr(request, "session") else None
    mfa_setup_required = device is not None and device.mfa_setup_required
    look["shortcuts"] = look["shortcuts"] and not mfa_setup_required  # they lead to pages that do not open
    return {**about_us, **look, "unread_count": unread, "mfa_setup_required": mfa_setup_required}
