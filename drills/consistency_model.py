"""What answered writes demand of every read that starts afterwards, kept beside TaskFlow by the writers themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drills.users import SignedInUser


@dataclass(slots=True)
class Model:
    """One project: `versions` holds what was answered, `leaving` and `gone` what is being and has been deleted.

    `moves` counts creations, deletions and changes of membership as they begin, `busy` those without an answer yet:
    a count or an absence can be judged only when none of them was on its way.
    """

    key: str
    people: list[SignedInUser]
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
        """What a read that starts now must show: of one task, or of all."""
        wanted = {task: self.versions[task]} if task else dict(self.versions)
        return Expectation(
            self, wanted, self.change_count if not self.pending_changes else -1, self.guest_is_member, set(self.deleted)
        )


@dataclass(frozen=True, slots=True)
class Expectation:
    model: Model
    versions: Mapping[str, int]
    change_count: int
    guest_is_member: bool
    deleted: set[str]

    @property
    def is_quiescent(self) -> bool:
        """No creation, deletion or change of membership was on its way from the read's start to now."""
        return self.change_count == self.model.change_count

    def matches_list(self, rows: list[dict[str, Any]]) -> bool:
        found = {row["id"]: row["version"] for row in rows}
        wanted = {task: version for task, version in self.versions.items() if task not in self.model.being_deleted}
        return not self.deleted & set(found) and all(found.get(task, 0) >= version for task, version in wanted.items())

    def matches_task(self, status: int, body: dict[str, Any]) -> bool:
        ((task, version),) = self.versions.items()
        if task in self.model.being_deleted:
            return True
        return status == 200 and body["version"] >= version

    def matches_count(self, total: int) -> bool:
        return not self.is_quiescent or total == len(self.versions)

    def matches_guest_list(self, rows: list[dict[str, Any]]) -> bool:
        """The guest, let in and put out all the time, sees everything or nothing."""
        if not self.is_quiescent:
            return True
        return self.matches_list(rows) if self.guest_is_member else not rows
