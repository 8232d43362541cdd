"""What a notice is about."""

from __future__ import annotations

from typing import Any, NamedTuple, Self
from uuid import UUID


class Subject(NamedTuple):
    """A task in its project, a whole project, or a team. Who may hear of it is asked of the first that is named."""

    task_id: UUID | None = None
    project_id: UUID | None = None
    team_id: UUID | None = None

    @classmethod
    def of(cls, payload: dict[str, Any]) -> Self:
        """Return what a fact tells of."""
        return cls(_id(payload, "task"), _id(payload, "project"), _id(payload, "team"))


def _id(payload: dict[str, Any], name: str) -> UUID | None:
    return UUID(payload[name]["id"]) if name in payload else None
