"""Contents of personal inboxes, which are nobody else's business, also not an administrator's."""

from __future__ import annotations

from typing import Any

# All that an administrator sees of an event in somebody's personal inbox, beside its actor.
NEUTRAL_FIELDS = frozenset(
    {"id", "key", "number", "project_id", "project_key", "is_inbox", "status", "category", "version"}
)
HIDDEN = "(private)"


def hide_private(payload: dict[str, Any]) -> dict[str, Any]:
    """Return a payload without the texts of a personal inbox, which are nobody else's business."""
    if not any(isinstance(value, dict) and value.get("is_inbox") for value in payload.values()):
        return payload
    hidden: dict[str, Any] = {
        key: {name: inner if name in NEUTRAL_FIELDS else HIDDEN for name, inner in value.items()}
        if isinstance(value, dict)
        else HIDDEN
        for key, value in payload.items()
    }
    return hidden | ({"actor": payload["actor"]} if "actor" in payload else {})
