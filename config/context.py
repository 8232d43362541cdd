"""What the frame of every page shows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from notifications import selectors as notifications


def frame(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    signed_in = bool(user and user.is_authenticated)
    return {
        "version": settings.VERSION,
        "mailbox_enabled": bool(settings.MAILBOX_DIR),
        "theme": getattr(user, "theme", "system") if signed_in else "system",
        "unread_count": SimpleLazyObject(lambda: notifications.unread_count(user)) if signed_in else 0,
    }
