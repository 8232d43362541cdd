"""Record task states in the statistics; rebuild or verify them from the event log.

`record` is the incremental path: one event, one change. `rebuild` reads the whole log without a lock while events
are still being recorded, and takes one table lock for the seconds in which it compares and writes. Events that the log
gained meanwhile are read under the lock: positions are gap-free and an event is delivered only after it has one, so
nothing that was recorded is missed. Events that waited for the lock find their version recorded already. Readers never
wait, and see the old rows until the commit; a rebuild that is stopped changes nothing.

`verify` takes no lock: it compares within one snapshot of the database (REPEATABLE READ). Both hold all task states in
memory, about 1 kB per task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max

from analytics import cache
from analytics.models import DailyStat, TaskSnapshot
from analytics.rollups.rollup import Contributions, TaskState, add_up, contributions, difference, latest_states
from core.db import advisory_lock
from events import archive
from events.models import Delivery, Event

TASK_EVENTS = (
    "task.created",
    "task.updated",
    "task.moved_to_project",
    "task.moved_with_parent",
    "task.deleted",
    "task.restored",
)
# By position rather than by cursor, because the second pass continues where the first one ended.
READ_BATCH_SIZE = 2000
RECONCILE_LOCK = 0x7374617473  # "stats", a key that no other advisory lock has
TaskStates: TypeAlias = dict[UUID, TaskState]
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences between the stored statistics and those computed from the log; false when there are none.

    `snapshots` maps a task id to (stored, expected); `stats` is what must be added to the stored rows.
    """

    snapshots: Mapping[UUID, tuple[TaskState | None, TaskState | None]]
    stats: Contributions
    tasks: int
    events: int

    def __bool__(self) -> bool:
        return bool(self.snapshots or self.stats)


class _EventLogReader:
    """Reads the log forward: the newest state of every task, and the position read up to."""

    def __init__(self) -> None:
        self.task_states: TaskStates = {}
        # Positions begin with 1.
        self.position = 0
        self.events = 0

    def read_to_end(self, progress: Progress) -> None:
        # The end is fixed before reading: a log that grows meanwhile would never be read to its end.
        end = Event.objects.aggregate(end=Max("position"))["end"] or 0
        # Archived events are read once, from files that are never changed.
        for row in archive.read_rows(after=self.position):
            if row[3] in TASK_EVENTS:
                self._add(row[3], row[8])
            self.position = row[0]
        while self.position < end:
            last = min(self.position + READ_BATCH_SIZE, end)
            events = Event.objects.filter(position__gt=self.position, position__lte=last, name__in=TASK_EVENTS)
            for name, payload in events.order_by("position").values_list("name", "payload"):
                self._add(name, payload)
            self.position = last
            progress(last, end)

    def _add(self, name: str, payload: dict[str, Any]) -> None:
        self.events += 1
        state = TaskState.from_payload(payload["task"], deleted=name == "task.deleted")
        known = self.task_states.get(state.task_id)
        if known is None or state.supersedes(known):
            self.task_states[state.task_id] = state


@transaction.atomic(savepoint=False)
def record(*, task_states: Iterable[TaskState]) -> int:
    """Replace what tasks contributed to the statistics so far; return how many states were newer.

    Locks are taken in one order everywhere, so that writers cannot deadlock: missing snapshots are created and
    existing ones locked in the order of ids, then rows of statistics in the order of Cell.rank.
    """
    latest = latest_states(task_states)
    created = TaskSnapshot.objects.create_missing(latest.values())
    stored = TaskSnapshot.objects.lock(latest.keys() - created)
    # An older state arrives late or twice, and has been counted already.
    newer = {
        task_id: state for task_id, state in latest.items() if task_id in created or state.supersedes(stored[task_id])
    }
    if newer:
        # What a task contributed before is subtracted, what it contributes now is added.
        replaced = newer.keys() & stored.keys()
        before = add_up(contributions(stored[task_id]) for task_id in replaced)
        DailyStat.objects.add(difference(add_up(map(contributions, newer.values())), before))
        TaskSnapshot.objects.upsert(newer[task_id] for task_id in replaced)
        cache.invalidate()
    return len(newer)


def rebuild(*, progress: Progress = lambda done, end: None) -> Comparison:
    """Make the statistics equal to those computed from the log; return the differences that were repaired."""
    log = _EventLogReader()
    # Nearly all of the log is read before the lock is taken; under the lock only what was appended meanwhile.
    log.read_to_end(progress)
    with transaction.atomic():
        TaskSnapshot.objects.lock_table()
        log.read_to_end(progress)
        comparison = _compare(log, pending_task_ids=frozenset())
        # A snapshot without events cannot come from this log; it is not to be counted.
        extra = [task_id for task_id, (_, expected) in comparison.snapshots.items() if expected is None]
        TaskSnapshot.objects.filter(pk__in=extra).delete()
        TaskSnapshot.objects.upsert(expected for _, expected in comparison.snapshots.values() if expected)
        DailyStat.objects.add(comparison.stats)
        cache.invalidate()
    return comparison


def verify(*, progress: Progress = lambda done, end: None) -> Comparison:
    """Compare without changing anything.

    A task with a pending delivery counts as equal: its event will still be recorded. A dead letter will not.
    """
    log = _EventLogReader()
    log.read_to_end(progress)
    with transaction.atomic(durable=True):
        # Log and statistics must be read from one snapshot, or an event recorded in between looks like a difference.
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        log.read_to_end(progress)
        pending = Delivery.objects.filter(state=Delivery.State.PENDING, consumer__startswith="analytics.handlers.")
        return _compare(log, pending_task_ids=frozenset(pending.values_list("event__subject_id", flat=True)))


def reconcile() -> Comparison | None:
    """Verify, and rebuild if there are differences; return None while another process does so."""
    with advisory_lock(RECONCILE_LOCK) as acquired:
        if not acquired:
            return None
        comparison = verify()
        if comparison:
            rebuild()
        return comparison


def _compare(log: _EventLogReader, *, pending_task_ids: frozenset[UUID]) -> Comparison:
    stored = {state.task_id: state for state in TaskSnapshot.objects.task_states()}
    # Tasks with pending deliveries are expected to be as they are stored.
    expected = {task_id: state for task_id, state in log.task_states.items() if task_id not in pending_task_ids}
    expected |= {task_id: stored[task_id] for task_id in pending_task_ids & stored.keys()}
    return Comparison(
        snapshots={
            task_id: (stored.get(task_id), expected.get(task_id))
            for task_id in stored.keys() | expected.keys()
            if stored.get(task_id) != expected.get(task_id)
        },
        stats=difference(add_up(map(contributions, expected.values())), DailyStat.objects.contents()),
        tasks=len(expected),
        events=log.events,
    )
