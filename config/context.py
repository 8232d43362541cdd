"""What the frame of every page shows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.browsers import device_of
from accounts.models import User
from notifications import selectors as notifications

# How pages look to somebody we do not know.
AS_USUAL = {"language": "en", "theme": "system", "density": "comfortable", "shortcuts": True}


def frame(request: HttpRequest) -> dict[str, Any]:
    about_us = {"version": settings.VERSION, "mailbox_enabled": bool(settings.MAILBOX_DIR)}
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {**about_us, **AS_USUAL, "unread_count": 0, "owes_factor": False}
    unread = SimpleLazyObject(lambda: notifications.unread_count(user))
    look = {name: getattr(user, name) for name in AS_USUAL}
    # A page that tells of a failure of the API has no session behind it.
    device = device_of(request) if hasattr(request, "session") else None
    owes_factor = device is not None and device.owes_factor
    look["shortcuts"] = look["shortcuts"] and not owes_factor  # they lead to pages that do not open
    return {**about_us, **look, "unread_count": unread, "owes_factor": owes_factor}
