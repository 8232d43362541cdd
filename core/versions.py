"""Optimistic locking: the check of a row's version behind If-Match (RFC 9110, section 13.1.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from core.errors import VersionConflict

NO_CHANGES: Mapping[str, Any] = MappingProxyType({})


def check_version(instance: Any, versions: Collection[int] | None, changes: Mapping[str, Any] = NO_CHANGES) -> None:
    """Raise VersionConflict unless the locked row has one of these versions; None accepts any.

    `changes` are the fields that the caller is about to write. The error compares them with the current values.
    """
    if versions is not None and instance.version not in versions:
        current = {name: getattr(instance, name) for name in changes}
        raise VersionConflict(version=instance.version, current=current, wanted=changes)
