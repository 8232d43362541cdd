"""What happened to an account, in words: every fact about a person has a title here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from events.models import Event

TITLES = {
    "user.registered": "Registered",
    "user.updated": "Account changed",
    "user.email_verified": "E-mail address confirmed",
    "user.security_changed": "Way to sign in changed",
    "user.invited": "Invited somebody",
    "user.invitation_accepted": "Accepted an invitation",
    "user.invitation_revoked": "Took an invitation back",
    "user.export_requested": "Asked for a copy of the data",
    "user.export_ready": "Copy of the data is ready",
    "user.deletion_requested": "Account is going to be deleted",
    "user.deletion_cancelled": "Deletion was called off",
    "user.erased": "Account was erased",
    "user.login_failed": "Sign-in failed",
    "identity.linked": "Sign-in with a provider was added",
    "identity.unlinked": "Sign-in with a provider was taken away",
    "identity.rejected": "Sign-in with a provider was refused",
    "session.opened": "Signed in",
    "session.refresh_token_reused": "A sign-in was used twice, and has ended",
    "session.revoked": "Signed out",
    "api_key.created": "API key was made",
    "api_key.rotated": "API key was replaced",
    "api_key.revoked": "API key was revoked",
    "api_key.used": "API key was used",
}
# What a person should look at twice.
SUSPICIOUS = frozenset(
    {"user.login_failed", "session.refresh_token_reused", "user.security_changed", "user.deletion_requested"}
)


@dataclass(frozen=True, slots=True)
class SecurityLogEntry:
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


def from_event(event: Event) -> SecurityLogEntry:
    told = event.payload
    session, key = told.get("session") or {}, told.get("key") or {}
    is_new = bool(session.get("is_new"))
    return SecurityLogEntry(
        id=event.pk,
        name=event.name,
        title="Signed in on a new device" if is_new else TITLES.get(event.name, event.name),
        detail=_detail(told, key),
        occurred_at=event.occurred_at,
        user={"id": str(event.subject_id), "name": told.get("user", {}).get("name", "")},
        actor=told.get("actor"),
        address=session.get("used_from") or session.get("address") or told.get("address") or "",
        device=session.get("device") or told.get("device") or "",
        is_suspicious=is_new or event.name in SUSPICIOUS or "role" in told.get("changes", {}),
    )


def _detail(told: dict[str, Any], key: dict[str, Any]) -> str:
    """Which one, or what about it: one line of what the fact says beside who, when and where."""
    if key:
        return f"{key.get('name', '')} ({key.get('display_prefix', '')})"
    if changes := told.get("changes"):
        return "; ".join(f"{name}: {_format_change(*pair)}" for name, pair in sorted(changes.items()))
    return str(told.get("reason") or told.get("change") or told.get("provider") or told.get("due_at") or "")


def _format_change(before: Any, after: Any) -> str:
    return str(after) if before == after else f"{before} → {after}"
