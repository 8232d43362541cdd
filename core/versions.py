"""Optimistic concurrency control: the version check of every write (HTTP: If-Match).

A service locks the row (SELECT FOR UPDATE) and then checks its version, so no other write comes in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from core.errors import VersionConflict
from core.serialization import to_json


def check_version(
    instance: Any,
    versions: frozenset[int] | None,
    requested: Mapping[str, Any] | None = None,
    *,
    current: Mapping[str, Any] | None = None,
) -> None:
    """Check that a locked row has one of these versions; None accepts any. Raises VersionConflict.

    `requested` holds the values the caller wants to write, by attribute name. The error shows them beside the present
    ones, both as JSON has them. `current` holds the present values where callers know them by other names than the
    attributes.
    """
    if versions is None or instance.version in versions:
        return
    requested = requested or {}
    raise VersionConflict(
        version=instance.version,
        current={
            name: _comparable(getattr(instance, name, None)) if current is None else current[name] for name in requested
        },
        requested={name: _comparable(value) for name, value in requested.items()},
    )


def _comparable(value: Any) -> Any:
    """Return a value as JSON, with the ids of a relation sorted: their order says nothing."""
    if isinstance(value, list | tuple | set):
        return sorted(str(item) for item in value)
    return to_json(value)


def object_etag(version: int, body: bytes) -> str:
    """Return the ETag of one object (RFC 9110): its version, which If-Match compares, and a digest of this body."""
    return f'"{version}.{hashlib.blake2b(body, digest_size=6).hexdigest()}"'
