"""The statistics once more, from the log of facts: to repair them, or to prove that they need no repair.

The log is read without a lock while facts keep being counted. A rebuild then takes one lock for the seconds it needs to
compare: other writers wait, what the log gained meanwhile is added (positions are gap-free and a fact is delivered only
after it has one, so nothing that was counted is missed), and only rows that differ are written. Facts that were
waiting for the lock find their version counted already or newer than it, as always. Readers never wait, and see
the old rows until the commit. Stopped at any moment, it leaves everything as it was.

A verification takes no lock at all: it compares within one snapshot of the database (REPEATABLE READ).
All standings are held in memory: about 1 kB for each task.
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
from events.models import Delivery, Event

TASK_EVENTS = ("task.created", "task.updated", "task.deleted")
READ_BATCH_SIZE = 2000
RECONCILE_LOCK = 0x7374617473
TaskStates: TypeAlias = dict[UUID, TaskState]
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the kept statistics differ from those the log asks for; empty when they agree."""

    snapshots: Mapping[UUID, tuple[TaskState | None, TaskState | None]]
    stats: Contributions
    tasks: int
    events: int

    def __bool__(self) -> bool:
        return bool(self.snapshots or self.stats)


class _EventLogReader:
    """The log as far as it has been read: the newest standing of every task, and the position read up to."""

    def __init__(self) -> None:
        self.task_states: TaskStates = {}
        self.position = 0
        self.events = 0

    def read_to_end(self, progress: Progress) -> None:
        end = Event.objects.aggregate(end=Max("position"))["end"] or 0
        while self.position < end:
            last = min(self.position + READ_BATCH_SIZE, end)
            rows = Event.objects.filter(position__gt=self.position, position__lte=last, name__in=TASK_EVENTS)
            self._apply(rows.order_by("position").values_list("name", "payload"))
            self.position = last
            progress(last, end)

    def _apply(self, facts: Iterable[tuple[str, Any]]) -> None:
        for name, payload in facts:
            self.events += 1
            told = TaskState.from_payload(payload["task"], deleted=name == "task.deleted")
            known = self.task_states.get(told.task_id)
            if known is None or told.supersedes(known):
                self.task_states[told.task_id] = told


def rebuild(*, progress: Progress = lambda done, end: None) -> Comparison:
    """Make the statistics what the log asks for; returns what had to be changed."""
    log = _EventLogReader()
    log.read_to_end(progress)
    with transaction.atomic():
        TaskSnapshot.objects.lock_table()
        log.read_to_end(progress)
        found = _compare(log, pending_task_ids=frozenset())
        _write_snapshots(found)
        DailyStat.objects.add(found.stats)
        cache.invalidate()
    return found


def verify(*, progress: Progress = lambda done, end: None) -> Comparison:
    """Compare and change nothing. A task that still has a fact on its way is not a difference; a dead letter is."""
    log = _EventLogReader()
    log.read_to_end(progress)
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        log.read_to_end(progress)
        return _compare(log, pending_task_ids=_pending_deliveries())


def reconcile() -> Comparison | None:
    """Verify, and rebuild if there is a difference; None when another process is doing so."""
    with advisory_lock(RECONCILE_LOCK) as held:
        if not held:
            return None
        found = verify()
        if found:
            rebuild()
        return found


def _compare(log: _EventLogReader, *, pending_task_ids: frozenset[UUID]) -> Comparison:
    kept = {task_state.task_id: task_state for task_state in TaskSnapshot.objects.task_states()}
    wanted = {task_id: task_state for task_id, task_state in log.task_states.items() if task_id not in pending_task_ids}
    wanted |= {task_id: kept[task_id] for task_id in pending_task_ids & kept.keys()}
    return Comparison(
        snapshots={
            task_id: (kept.get(task_id), wanted.get(task_id))
            for task_id in kept.keys() | wanted.keys()
            if kept.get(task_id) != wanted.get(task_id)
        },
        stats=difference(add_up(map(contributions, wanted.values())), DailyStat.objects.contents()),
        tasks=len(wanted),
        events=log.events,
    )


def _pending_deliveries() -> frozenset[UUID]:
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING, consumer__startswith="analytics.handlers.")
    return frozenset(waiting.values_list("event__subject_id", flat=True))


def _write_snapshots(found: Comparison) -> None:
    gone = [task_id for task_id, (_, wanted) in found.snapshots.items() if wanted is None]
    TaskSnapshot.objects.filter(pk__in=gone).delete()
    TaskSnapshot.objects.upsert(wanted for _, wanted in found.snapshots.values() if wanted)


@transaction.atomic(savepoint=False)
def record(*, task_states: Iterable[TaskState]) -> int:
    """Count how tasks stand now instead of how they stood; returns of how many that was news.

    Snapshots that are missing are created, then the others locked, each in the order of ids, so of two facts that
    arrive together the second one sees what the first one counted. The statistics' rows follow, in the order of
    Cell.rank. Nobody waits for a snapshot who holds a row of statistics, so nobody waits in a circle.
    """
    told = latest_states(task_states)
    created = TaskSnapshot.objects.create_missing(told.values())
    held = TaskSnapshot.objects.lock(told.keys() - created)
    news = {key: task_state for key, task_state in told.items() if key in created or task_state.supersedes(held[key])}
    if news:
        before = add_up(contributions(held[key]) for key in news.keys() & held.keys())
        DailyStat.objects.add(difference(add_up(map(contributions, news.values())), before))
        TaskSnapshot.objects.upsert(news[key] for key in news.keys() & held.keys())
        cache.invalidate()
    return len(news)
