"""What answered writes demand of every read that starts afterwards, kept beside TaskFlow by the writers themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drills.people import Person


@dataclass(slots=True)
class Shelf:
    """One project: `versions` holds what was answered, `leaving` and `gone` what is being and has been deleted.

    `moves` counts creations, deletions and changes of membership as they begin, `busy` those without an answer yet:
    a count or an absence can be judged only when none of them was on its way.
    """

    key: str
    people: list[Person]
    guest: Person
    versions: dict[str, int] = field(default_factory=dict)
    leaving: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    guest_is_in: bool = False
    moves: int = 0
    busy: int = 0

    def begin(self) -> None:
        self.moves += 1
        self.busy += 1

    def wrote(self, task: str, version: int) -> None:
        self.versions[task] = max(version, self.versions.get(task, 0))

    def demand(self, task: str = "") -> Demand:
        """What a read that starts now must show: of one task, or of all."""
        wanted = {task: self.versions[task]} if task else dict(self.versions)
        return Demand(self, wanted, self.moves if not self.busy else -1, self.guest_is_in, set(self.gone))


@dataclass(frozen=True, slots=True)
class Demand:
    shelf: Shelf
    versions: Mapping[str, int]
    moves: int
    guest_is_in: bool
    gone: set[str]

    @property
    def is_settled(self) -> bool:
        """No creation, deletion or change of membership was on its way from the read's start to now."""
        return self.moves == self.shelf.moves

    def met_by_list(self, rows: list[dict[str, Any]]) -> bool:
        found = {row["id"]: row["version"] for row in rows}
        wanted = {task: version for task, version in self.versions.items() if task not in self.shelf.leaving}
        return not self.gone & set(found) and all(found.get(task, 0) >= version for task, version in wanted.items())

    def met_by_task(self, status: int, body: dict[str, Any]) -> bool:
        ((task, version),) = self.versions.items()
        if task in self.shelf.leaving:
            return True
        return status == 200 and body["version"] >= version

    def met_by_count(self, total: int) -> bool:
        return not self.is_settled or total == len(self.versions)

    def met_by_guests_list(self, rows: list[dict[str, Any]]) -> bool:
        """The guest, let in and put out all the time, sees everything or nothing."""
        if not self.is_settled:
            return True
        return self.met_by_list(rows) if self.guest_is_in else not rows
