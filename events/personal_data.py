"""Personal values in payloads: taken out before an event is hashed, and put back when it is read."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

# The keys of a payload that identify a user or the place a request came from.
PERSONAL_FIELDS = frozenset({"name", "email", "handle", "address", "device", "user_agent", "used_from"})
# [[path in the payload, value], ...]
PersonalValues = list[list[Any]]


def split(
    payload: dict[str, Any], *, user_ids: Collection[str], subject_user_id: str = ""
) -> tuple[dict[str, Any], dict[str, PersonalValues]]:
    """Return the payload with its personal values blanked, and these values by user id.

    A user's values stand in objects with the user's id, and for an event about a user in the whole payload except
    `actor`.
    """
    parts: dict[str, PersonalValues] = {}

    def blank_object(value: dict[str, Any], path: list[str | int], owner: str) -> dict[str, Any]:
        if not owner and isinstance(value.get("id"), str) and value["id"] in user_ids:
            owner = value["id"]
        result = {}
        for key, inner in value.items():
            if not owner and not isinstance(inner, dict | list):
                result[key] = inner
            elif owner and key in PERSONAL_FIELDS and (blanked := _blank(inner)) != inner:
                parts.setdefault(owner, []).append([[*path, key], inner])
                result[key] = blanked
            else:
                result[key] = blank_inside(inner, [*path, key], "" if [*path, key] == ["actor"] else owner)
        return result

    def blank_inside(value: Any, path: list[str | int], owner: str) -> Any:
        if isinstance(value, dict):
            return blank_object(value, path, owner)
        if isinstance(value, list):
            return [blank_inside(item, [*path, number], owner) for number, item in enumerate(value)]
        return value

    return blank_object(payload, [], subject_user_id), parts


def merge(payload: dict[str, Any], values: PersonalValues) -> None:
    """Put personal values back into a payload that `split` blanked."""
    for path, value in values:
        target: Any = payload
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value


def _blank(value: Any) -> Any:
    """Return empty text; for a change, which is a pair of old and new, a pair of empty texts."""
    if isinstance(value, list):
        return [_blank(item) for item in value]
    return "" if isinstance(value, str) else value
