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
from analytics.rollup import Contributions, TaskStanding, contributions, difference, total
from core.db import advisory_lock
from events.models import Delivery, Event

TASK_FACTS = ("task.created", "task.updated", "task.deleted")
BATCH = 2000
RECONCILE_LOCK = 0x7374617473
Standings: TypeAlias = dict[UUID, TaskStanding]
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the kept statistics differ from those the log asks for; empty when they agree."""

    snapshots: Mapping[UUID, tuple[TaskStanding | None, TaskStanding | None]]
    stats: Contributions
    tasks: int
    facts: int

    def __bool__(self) -> bool:
        return bool(self.snapshots or self.stats)


class _Log:
    """The log as far as it has been read: the newest standing of every task, and the position read up to."""

    def __init__(self) -> None:
        self.standings: Standings = {}
        self.position = 0
        self.facts = 0

    def read_on(self, progress: Progress) -> None:
        end = Event.objects.aggregate(end=Max("position"))["end"] or 0
        while self.position < end:
            last = min(self.position + BATCH, end)
            rows = Event.objects.filter(position__gt=self.position, position__lte=last, name__in=TASK_FACTS)
            self._fold(rows.order_by("position").values_list("name", "payload"))
            self.position = last
            progress(last, end)

    def _fold(self, facts: Iterable[tuple[str, Any]]) -> None:
        for name, payload in facts:
            self.facts += 1
            told = TaskStanding.from_fact(payload["task"], deleted=name == "task.deleted")
            known = self.standings.get(told.task_id)
            if known is None or told.supersedes(known):
                self.standings[told.task_id] = told


def rebuild(*, progress: Progress = lambda done, end: None) -> Comparison:
    """Make the statistics what the log asks for; returns what had to be changed."""
    log = _Log()
    log.read_on(progress)
    with transaction.atomic():
        TaskSnapshot.objects.lock_against_writers()
        log.read_on(progress)
        found = _compare(log, forgiven=frozenset())
        _write_snapshots(found)
        DailyStat.objects.add(found.stats)
        cache.forget()
    return found


def verify(*, progress: Progress = lambda done, end: None) -> Comparison:
    """Compare and change nothing. A task that still has a fact on its way is not a difference; a dead letter is."""
    log = _Log()
    log.read_on(progress)
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        log.read_on(progress)
        return _compare(log, forgiven=_on_their_way())


def reconcile() -> Comparison | None:
    """Verify, and rebuild if there is a difference; None when another process is doing so."""
    with advisory_lock(RECONCILE_LOCK) as held:
        if not held:
            return None
        found = verify()
        if found:
            rebuild()
        return found


def _compare(log: _Log, *, forgiven: frozenset[UUID]) -> Comparison:
    kept = {standing.task_id: standing for standing in TaskSnapshot.objects.standings()}
    wanted = {task_id: standing for task_id, standing in log.standings.items() if task_id not in forgiven}
    wanted |= {task_id: kept[task_id] for task_id in forgiven & kept.keys()}
    return Comparison(
        snapshots={
            task_id: (kept.get(task_id), wanted.get(task_id))
            for task_id in kept.keys() | wanted.keys()
            if kept.get(task_id) != wanted.get(task_id)
        },
        stats=difference(total(map(contributions, wanted.values())), DailyStat.objects.contents()),
        tasks=len(wanted),
        facts=log.facts,
    )


def _on_their_way() -> frozenset[UUID]:
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING, consumer__startswith="analytics.handlers.")
    return frozenset(waiting.values_list("event__subject_id", flat=True))


def _write_snapshots(found: Comparison) -> None:
    gone = [task_id for task_id, (_, wanted) in found.snapshots.items() if wanted is None]
    TaskSnapshot.objects.filter(pk__in=gone).delete()
    TaskSnapshot.objects.put(wanted for _, wanted in found.snapshots.values() if wanted)
