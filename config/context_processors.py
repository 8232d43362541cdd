"""Context of the base template of all pages."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.auth.sessions.middleware import current_session
from accounts.models import User
from notifications.inbox import selectors as inbox_selectors
from tasks.favourites import selectors as favourites_selectors
from tasks.time_tracking import selectors as time_tracking_selectors

# Appearance for anonymous users.
DEFAULT_APPEARANCE = {"language": "en", "theme": "system", "density": "comfortable", "shortcuts": True}


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the frame of every page shows of the site and the user."""
    site = {"version": settings.VERSION, "mailbox_enabled": bool(settings.MAILBOX_DIR)}
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {
            **site,
            **DEFAULT_APPEARANCE,
            "unread_count": 0,
            "favourites": [],
            "timer": {},
            "mfa_setup_required": False,
        }
    # Error pages may be rendered for requests that no session middleware has seen.
    session = current_session(request) if hasattr(request, "session") else None
    mfa_setup_required = session is not None and session.mfa_setup_required
    appearance = {name: getattr(user, name) for name in DEFAULT_APPEARANCE}
    if mfa_setup_required:
        appearance["shortcuts"] = False  # keyboard shortcuts lead to pages that are closed until then
    return {
        **site,
        **appearance,
        # Lazy: a fragment does not show the count, so it does not query it.
        "unread_count": SimpleLazyObject(lambda: inbox_selectors.unread_count(user)),
        "favourites": SimpleLazyObject(lambda: favourites_selectors.list_favourites(user)),
        "timer": SimpleLazyObject(lambda: time_tracking_selectors.timer_in_frame(user)),
        "mfa_setup_required": mfa_setup_required,
    }
