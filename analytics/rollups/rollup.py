"""Contributions of one task to the daily statistics. Pure: no clock, no database, no order of arrival.

All days are days in UTC. The statistics describe tasks as they are known now: a reopened task was never closed, a
reassigned task counts for the new assignee from its first day, and a deleted task never existed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import add, neg
from typing import Any, NamedTuple, Self, TypeAlias
from uuid import UUID

from analytics.rollups.histogram import BUCKET_COUNT, EMPTY_HISTOGRAM, bucket_of

# tasks.models.Category.DONE; this module imports no models.
DONE_CATEGORY = "done"


class TaskState(NamedTuple):
    """State of a task according to its newest event; the fields are the columns of TaskSnapshot."""

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
        """Build from the `task` object of an event's payload."""
        due_at = _instant(state["due_at"])
        due = date.fromisoformat(state["due_date"]) if state["due_date"] else due_at and _day(due_at)
        return cls(
            task_id=UUID(state["id"]),
            project_id=UUID(state["project_id"]),
            # Sorted and without duplicates, so that equal states compare equal.
            assignee_ids=tuple(sorted(UUID(user) for user in set(state["assignee_ids"]))),
            created_at=datetime.fromisoformat(state["created_at"]),
            started_at=_instant(state["started_at"]),
            closed_at=_instant(state["closed_at"]),
            category=state["category"],
            due=due,
            priority=state["priority"],
            version=state["version"],
            deleted=deleted,
        )

    def supersedes(self, other: TaskState) -> bool:
        """Return whether this state is newer: the higher version wins, and of equal ones the deletion."""
        # A deletion has a version of its own, so a late event does not bring the task back; a restoration has the next.
        return (self.version, self.deleted) > (other.version, other.deleted)


def latest_states(task_states: Iterable[TaskState]) -> dict[UUID, TaskState]:
    """Return the newest state of each task, in whatever order the states come."""
    latest: dict[UUID, TaskState] = {}
    for state in task_states:
        known = latest.get(state.task_id)
        if known is None or state.supersedes(known):
            latest[state.task_id] = state
    return latest


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _day(instant: datetime) -> date:
    return instant.astimezone(UTC).date()


class Cell(NamedTuple):
    """Key of a row of statistics: a day and project, for one assignee or (None) for all together."""

    day: date
    project_id: UUID
    user_id: UUID | None

    @property
    def rank(self) -> tuple[date, int, int]:
        """Total order in which rows are locked, so that two writers cannot deadlock."""
        # Integers, because None cannot be compared with a UUID.
        return self.day, self.project_id.int, self.user_id.int if self.user_id else -1


@dataclass(frozen=True, slots=True)
class Amounts:
    """Amounts that are added to a cell.

    Open and overdue tasks are running sums: open at the end of a day is created minus closed up to then, overdue the
    sum of `overdue_change` up to then.
    """

    created: int = 0
    completed: int = 0
    closed: int = 0
    overdue_change: int = 0
    cycle_histogram: tuple[int, ...] = EMPTY_HISTOGRAM

    def __add__(self, other: Amounts) -> Amounts:
        cycles = self.cycle_histogram
        if other.cycle_histogram is not EMPTY_HISTOGRAM:  # rare, and a rebuild adds a million times
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
    """Return all that one task adds to the statistics: for all together and for each assignee."""
    if task.deleted:
        return {}
    # A task with two assignees counts for each, so the total is a row of its own and no sum of them.
    user_ids = (None, *task.assignee_ids)
    return add_up(
        {Cell(day, task.project_id, user_id): amounts} for day, amounts in _daily_amounts(task) for user_id in user_ids
    )


def add_up(parts: Iterable[Mapping[Cell, Amounts]]) -> Contributions:
    """Return the sum by cell, without cells that add up to zero."""
    totals: Contributions = {}
    for part in parts:
        for cell, amounts in part.items():
            totals[cell] = totals.get(cell, ZERO_AMOUNTS) + amounts
    return {cell: amounts for cell, amounts in totals.items() if amounts != ZERO_AMOUNTS}


def difference(new: Mapping[Cell, Amounts], old: Mapping[Cell, Amounts]) -> Contributions:
    """Return what must be added to `old` to get `new`."""
    return add_up([new, {cell: -amounts for cell, amounts in old.items()}])


def _daily_amounts(task: TaskState) -> Iterator[tuple[date, Amounts]]:
    """Yield what a task adds to its days of creation, completion and becoming overdue."""
    created = _day(task.created_at)
    # Clocks of two nodes may differ: a task closed before its creation would make a negative number of open tasks.
    closed = max(_day(task.closed_at), created) if task.closed_at else None
    yield created, Amounts(created=1)
    if closed:
        if task.category == DONE_CATEGORY:
            # Cycle time runs from the start of the work, or from the creation of a task that was never started.
            started = task.started_at or task.created_at
            hours = max(0.0, ((task.closed_at or started) - started).total_seconds() / 3600)
            histogram = tuple(int(bucket == bucket_of(hours)) for bucket in range(BUCKET_COUNT))
            yield closed, Amounts(closed=1, completed=1, cycle_histogram=histogram)
        else:  # cancelled: no longer open, but not completed
            yield closed, Amounts(closed=1)
    # The last day that Python has: there is no day after it.
    if task.due is None or task.due == date.max:
        return
    # The first day at whose end the task is overdue, if it is still open then.
    overdue_from = max(task.due + timedelta(days=1), created)
    if closed is None or overdue_from < closed:
        yield overdue_from, Amounts(overdue_change=1)
        if closed:
            yield closed, Amounts(overdue_change=-1)
