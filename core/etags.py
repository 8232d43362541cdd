"""Optimistic concurrency control: ETags, If-Match and the version check behind them.

The ETag of one object is `"<version>.<digest of the body>"`, that of a list a digest alone (RFC 9110, section 8.8.3).
The digest makes it strong for every representation; a compressed one adds `-br` or `-gzip`. If-Match (section 13.1.1)
names versions: a service locks the row (SELECT FOR UPDATE) and then checks its version, so no other write comes in
between. If-None-Match is answered by core.http.response_headers, and from cached responses by gateway.responses.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.http import HttpRequest

from core.errors import Invalid, VersionConflict
from core.serialization import to_json

_ETAG_PATTERN = re.compile(r'(W/)?"(?:(\d{1,18})(?:\.[0-9a-f]+(?:-[a-z]+)?)?|[\x21\x23-\x7e]*)"')


def object_etag(version: int, body: bytes) -> str:
    """Return the ETag of one object (RFC 9110): its version, which If-Match compares, and a digest of this body."""
    return f'"{version}.{hashlib.blake2b(body, digest_size=6).hexdigest()}"'


def list_etag(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def encoded_etag(tag: str, encoding: str) -> str:
    """Return the ETag of an encoded representation: `"7.abc"` becomes `"7.abc-br"`.

    A write compares only the version before the point.
    """
    return f'{tag[:-1]}-{encoding}"'


def parse_if_match(request: HttpRequest) -> frozenset[int] | None:
    """Return the versions the caller accepts; None accepts any (no header, or `*`). Raises Invalid.

    A weak tag never matches, so it contributes nothing.
    """
    header = request.headers.get("If-Match", "").strip()
    if header in {"", "*"}:
        return None
    tags = [_ETAG_PATTERN.fullmatch(part.strip()) for part in header.split(",")]
    if not all(tags):
        raise Invalid.field("If-Match", "Send the ETag as it was received, in double quotes.")
    # A well-formed tag that is not one of ours names no version. The set is empty then, and the write fails with 412.
    return frozenset(int(tag[2]) for tag in tags if tag and not tag[1] and tag[2])


# How often a write is merged with others that come in between; each attempt takes the row's lock.
MAX_MERGES = 5
T = TypeVar("T")


def merge_changes(
    write: Callable[[frozenset[int] | None], T], versions: frozenset[int] | None, initial: Mapping[str, Any]
) -> T:
    """Write despite a version conflict, where only other fields have changed.

    `initial` holds the values that the caller has seen, by the names of the write. A field that is not in it counts as
    seen with another value. Raises VersionConflict if a field to be written has changed meanwhile.
    """
    for _ in range(MAX_MERGES):
        try:
            return write(versions)
        except VersionConflict as error:
            for name, requested in error.requested.items():
                current = error.current.get(name)
                if current != requested and (name not in initial or current != _comparable(initial[name])):
                    raise
            versions = frozenset({error.version})
    return write(versions)


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
