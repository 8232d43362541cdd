"""What one task adds to the numbers of a day. Pure: no clock, no database, no order of arrival.

All days are days in UTC. The numbers are as we know the tasks now: a task that is opened again was, for these
numbers, never closed; one that changes hands takes its history along; a deleted one was never there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import add, neg
from typing import Any, NamedTuple, Self, TypeAlias
from uuid import UUID

from analytics.rollups.histogram import BUCKET_COUNT, EMPTY_HISTOGRAM, bucket_of

DONE_CATEGORY = "done"


class TaskState(NamedTuple):
    """The little that statistics keep of a task, as its newest fact tells it. The fields are the columns of TaskSnapshot."""

    task_id: UUID
    project_id: UUID
    assignee_ids: tuple[UUID, ...]
    created_at: datetime
    started_at: datetime | None
    closed_at: datetime | None
    category: str
    due: date | None
    priority: int
    version: int
    deleted: bool = False

    @classmethod
    def from_payload(cls, state: Mapping[str, Any], *, deleted: bool = False) -> Self:
        """Build from the `task` object of a fact's payload."""
        return cls(
            task_id=UUID(state["id"]),
            project_id=UUID(state["project_id"]),
            assignee_ids=tuple(sorted(UUID(user) for user in set(state["assignee_ids"]))),
            created_at=datetime.fromisoformat(state["created_at"]),
            started_at=_instant(state["started_at"]),
            closed_at=_instant(state["closed_at"]),
            category=state["category"],
            due=_due(state),
            priority=state["priority"],
            version=state["version"],
            deleted=deleted,
        )

    def supersedes(self, other: TaskState) -> bool:
        """Whether this is news after `other`. Deleted is final; else the higher version wins, in whatever order they came."""
        return not other.deleted and (self.deleted or self.version > other.version)


def latest_states(told: Iterable[TaskState]) -> dict[UUID, TaskState]:
    """Return the last word on each task, in whatever order the facts came."""
    found: dict[UUID, TaskState] = {}
    for task_state in told:
        known = found.get(task_state.task_id)
        if known is None or task_state.supersedes(known):
            found[task_state.task_id] = task_state
    return found


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _due(state: Mapping[str, Any]) -> date | None:
    if state["due_date"]:
        return date.fromisoformat(state["due_date"])
    due_at = _instant(state["due_at"])
    return _day(due_at) if due_at else None


def _day(instant: datetime) -> date:
    return instant.astimezone(UTC).date()


class Cell(NamedTuple):
    """One day of one project: for one person, or, without a person, for everybody together."""

    day: date
    project_id: UUID
    user_id: UUID | None

    @property
    def rank(self) -> tuple[date, int, int]:
        """The one order in which rows are locked; it is total, so two writers cannot wait for each other."""
        return self.day, self.project_id.int, self.user_id.int if self.user_id else -1


@dataclass(frozen=True, slots=True)
class Amounts:
    """What is added to a cell. Open and overdue are not here: they are running sums.

    Open at the end of a day is created minus closed up to then; overdue is the sum of `overdue_change` up to then.
    """

    created: int = 0
    completed: int = 0
    closed: int = 0
    overdue_change: int = 0
    cycle_histogram: tuple[int, ...] = EMPTY_HISTOGRAM

    def __add__(self, other: Amounts) -> Amounts:
        cycles = self.cycle_histogram
        if other.cycle_histogram is not EMPTY_HISTOGRAM:  # nearly always it is, and a rebuild adds a million times
            cycles = tuple(map(add, cycles, other.cycle_histogram))
        return Amounts(
            self.created + other.created,
            self.completed + other.completed,
            self.closed + other.closed,
            self.overdue_change + other.overdue_change,
            cycles,
        )

    def __neg__(self) -> Amounts:
        cycles = EMPTY_HISTOGRAM if self.cycle_histogram is EMPTY_HISTOGRAM else tuple(map(neg, self.cycle_histogram))
        return Amounts(-self.created, -self.completed, -self.closed, -self.overdue_change, cycles)


ZERO_AMOUNTS = Amounts()
Contributions: TypeAlias = dict[Cell, Amounts]


def contributions(task: TaskState) -> Contributions:
    """Return all that one task adds to the numbers, for everybody together and for each of its people."""
    if task.deleted:
        return {}
    steps = list(_daily_amounts(task))
    people = (None, *task.assignee_ids)
    return add_up({Cell(day, task.project_id, user): amounts} for day, amounts in steps for user in people)


def add_up(parts: Iterable[Mapping[Cell, Amounts]]) -> Contributions:
    """Add up; cells where nothing is left are dropped."""
    found: Contributions = {}
    for part in parts:
        for cell, amounts in part.items():
            found[cell] = found.get(cell, ZERO_AMOUNTS) + amounts
    return {cell: amounts for cell, amounts in found.items() if amounts != ZERO_AMOUNTS}


def difference(new: Mapping[Cell, Amounts], old: Mapping[Cell, Amounts]) -> Contributions:
    """Return what has to be added to `old` to make it `new`."""
    return add_up([new, {cell: -amounts for cell, amounts in old.items()}])


def _daily_amounts(task: TaskState) -> Iterator[tuple[date, Amounts]]:
    created = _day(task.created_at)
    # A clock that ran backwards must not make a day with less than no open tasks.
    closed = max(_day(task.closed_at), created) if task.closed_at else None
    yield created, Amounts(created=1)
    if closed:
        yield closed, _closing_amounts(task)
    late = _first_overdue_day(task, created)
    if late and (closed is None or late < closed):
        yield late, Amounts(overdue_change=1)
        if closed:
            yield closed, Amounts(overdue_change=-1)


def _closing_amounts(task: TaskState) -> Amounts:
    if task.category != DONE_CATEGORY:
        return Amounts(closed=1)
    bucket = bucket_of(_cycle_hours(task))
    return Amounts(closed=1, completed=1, cycle_histogram=tuple(int(place == bucket) for place in range(BUCKET_COUNT)))


def _cycle_hours(task: TaskState) -> float:
    """Return how long the work took: from its start, or from its creation where nobody marked a start."""
    begun = task.started_at or task.created_at
    return max(0.0, ((task.closed_at or begun) - begun).total_seconds() / 3600)


def _first_overdue_day(task: TaskState, created: date) -> date | None:
    """Return the first day at whose end the task, if open, is overdue."""
    if task.due is None or task.due == date.max:
        return None
    return max(task.due + timedelta(days=1), created)
