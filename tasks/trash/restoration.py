"""The result of a restoration."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from tasks.models import Project


@dataclass(frozen=True, slots=True)
class Restoration:
    """A restored object. `skipped` counts the rows of each model whose other end is gone."""

    kind: str
    object_id: uuid.UUID
    title: str
    project: Project | None
    task_key: str = ""
    skipped: dict[str, int] = field(default_factory=dict)
