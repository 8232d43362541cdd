"""A model of what reads must show after completed writes (strong consistency for all readers)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drills.users import SignedInUser


@dataclass(slots=True)
class Model:
    """The state of one project as its writers know it; `versions` holds the newest confirmed version of each task.

    `change_count` counts creations, deletions and changes of membership when they begin; `pending_changes` are those
    without a response. A count or an absence can be checked only when no such change was pending.
    """

    key: str
    members: list[SignedInUser]
    guest: SignedInUser
    versions: dict[str, int] = field(default_factory=dict)
    being_deleted: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    guest_is_member: bool = False
    change_count: int = 0
    pending_changes: int = 0

    def begin_change(self) -> None:
        self.change_count += 1
        self.pending_changes += 1

    def record_write(self, task: str, version: int) -> None:
        self.versions[task] = max(version, self.versions.get(task, 0))

    def expectation(self, task: str = "") -> Expectation:
        """Return the guarantees for a read that starts now, of one task or of all."""
        versions = {task: self.versions[task]} if task else dict(self.versions)
        change_count = self.change_count if not self.pending_changes else -1
        return Expectation(self, versions, change_count, self.guest_is_member, set(self.deleted))


@dataclass(frozen=True, slots=True)
class Expectation:
    """The least that a read must show, recorded before it was sent."""

    model: Model
    versions: Mapping[str, int]
    change_count: int
    guest_is_member: bool
    deleted: set[str]

    @property
    def is_quiescent(self) -> bool:
        """Return whether no structural change was pending between the read's start and now."""
        return self.change_count == self.model.change_count

    def matches_list(self, rows: list[dict[str, Any]]) -> bool:
        versions = {row["id"]: row["version"] for row in rows}
        expected = {task: version for task, version in self.versions.items() if task not in self.model.being_deleted}
        is_fresh = all(versions.get(task, 0) >= version for task, version in expected.items())
        return is_fresh and not self.deleted & set(versions)

    def matches_task(self, status: int, body: dict[str, Any]) -> bool:
        ((task, version),) = self.versions.items()
        if task in self.model.being_deleted:
            return True
        return status == 200 and body["version"] >= version

    def matches_count(self, total: int) -> bool:
        return not self.is_quiescent or total == len(self.versions)

    def matches_guest_list(self, rows: list[dict[str, Any]]) -> bool:
        """Check a list of the guest, who is added and removed all the time: all tasks or none."""
        if not self.is_quiescent:
            return True
        return self.matches_list(rows) if self.guest_is_member else not rows
