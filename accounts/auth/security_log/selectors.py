"""Reading the security log."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from core.api.pagination import Page, PageRequest, Sort, paginate
from core.errors import require
from events.models import Event

SORTS = {"id": Sort("id")}


TITLES = {
    "user.registered": "Registered",
    "user.updated": gettext_noop("Account changed"),
    "user.email_verified": gettext_noop("Email address confirmed"),
    "user.security_changed": gettext_noop("Security settings changed"),
    "user.invited": gettext_noop("Invitation sent"),
    "user.invitation_accepted": gettext_noop("Invitation accepted"),
    "user.invitation_revoked": gettext_noop("Invitation revoked"),
    "user.export_requested": gettext_noop("Data export requested"),
    "user.export_ready": gettext_noop("Data export ready"),
    "user.deletion_requested": gettext_noop("Account deletion requested"),
    "user.deletion_cancelled": gettext_noop("Account deletion cancelled"),
    "user.erased": gettext_noop("Account erased"),
    "user.login_failed": gettext_noop("Sign-in failed"),
    "identity.linked": gettext_noop("Sign-in with a provider added"),
    "identity.unlinked": gettext_noop("Sign-in with a provider removed"),
    "identity.rejected": gettext_noop("Sign-in with a provider rejected"),
    "session.opened": gettext_noop("Signed in"),
    "session.refresh_token_reused": gettext_noop("Stolen session ended"),
    "session.revoked": gettext_noop("Signed out"),
    "api_key.created": gettext_noop("API key created"),
    "api_key.rotated": gettext_noop("API key rotated"),
    "api_key.revoked": gettext_noop("API key revoked"),
    "api_key.used": gettext_noop("API key used"),
}
# Events that the user should check.
SUSPICIOUS = frozenset(
    {"user.login_failed", "session.refresh_token_reused", "user.security_changed", "user.deletion_requested"}
)


@dataclass(frozen=True, slots=True)
class SecurityLogEntry:
    """One event of an account. `user` and `actor` are {id, name}."""

    id: int
    name: str
    title: str
    detail: str
    occurred_at: datetime
    user: dict[str, Any]
    actor: dict[str, Any] | None
    address: str
    device: str
    is_suspicious: bool


def list_entries(reader: User, user_id: uuid.UUID | None, page_request: PageRequest) -> Page[SecurityLogEntry]:
    """Return a page of an account's entries, newest first; None means all accounts.

    Raises NotAllowed for another account, unless the reader is an administrator.
    """
    require(user_id == reader.pk or reader.is_admin, "Only administrators see the log of other accounts.")
    events = Event.objects.filter(subject_type="user", **({"subject_id": user_id} if user_id else {}))
    page = paginate(events, page_request)
    return Page(list(map(from_event, page.rows)), page.next, page.previous, page.count, page.pages, page.page)


def from_event(event: Event) -> SecurityLogEntry:
    """Return the entry that describes an event."""
    payload = event.payload
    session, key = payload.get("session") or {}, payload.get("key") or {}
    is_new = bool(session.get("is_new"))
    return SecurityLogEntry(
        id=event.pk,
        name=event.name,
        title=gettext("Signed in on a new device") if is_new else gettext(TITLES.get(event.name, event.name)),
        detail=_detail(payload, key),
        occurred_at=event.occurred_at,
        user={"id": str(event.subject_id), "name": payload.get("user", {}).get("name", "")},
        actor=payload.get("actor"),
        address=session.get("used_from") or session.get("address") or payload.get("address") or "",
        device=session.get("device") or payload.get("device") or "",
        is_suspicious=is_new or event.name in SUSPICIOUS or "role" in payload.get("changes", {}),
    )


def _detail(payload: dict[str, Any], key: dict[str, Any]) -> str:
    """Return one line of what the event says beside its user, time and place."""
    if key:
        return f"{key.get('name', '')} ({key.get('display_prefix', '')})"
    if changes := payload.get("changes"):
        lines = (
            f"{name}: {after}" if before == after else f"{name}: {before} → {after}"
            for name, (before, after) in sorted(changes.items())
        )
        return "; ".join(lines)
    return str(payload.get("reason") or payload.get("change") or payload.get("provider") or payload.get("due_at") or "")
