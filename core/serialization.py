"""Values as JSON has them."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from typing import Any


def to_json(value: Any) -> Any:
    """Return a value as JSON has it: ids, days and instants (RFC 3339, UTC) as text, everything else as it is."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    return value
