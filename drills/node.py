"""One node of three dies by kill -9 under load, then one hangs: no read fails, no keyed write fails or is done twice."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

import uvloop
from django.core.management import call_command

from drills import keyed
from drills.cluster import NODES, Cluster, cluster
from drills.http import Answer, Connection
from drills.load import Ask, Load, Sample, fetch, seconds
from drills.people import person, shared_project
from drills.report import Progress, milliseconds, table, verdict
from tasks.models import Task

READERS, WRITERS = 16, 6
HANG, EJECTED_WITHIN = 10.0, 3.0
SLOW, SLOW_SHARE = 1.0, 0.001


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as parts:
        who = person("Nora")
        project = shared_project("Drill", who).key
        address = ("127.0.0.1", parts.port)
        reads = Load(
            fetch(f"/api/v1/tasks/?project={project}"), [Connection(address, who.token) for _ in range(READERS)]
        )
        writes = Load(_creating(project), [Connection(address, who.token) for _ in range(WRITERS)], 0.05)
        frozen_at = uvloop.run(_drill(parts, reads, writes))
    return _report(reads, writes, project, frozen_at)


def _creating(project: str) -> Ask:
    async def ask(connection: Connection, number: int) -> Answer:
        return await keyed.create(connection, f"Task {number}", project)

    return ask


async def _drill(parts: Cluster, reads: Load, writes: Load) -> float:
    progress = Progress()
    reads.start()
    writes.start()
    await asyncio.sleep(4)
    for name in NODES:
        await asyncio.to_thread(parts.stop, name)
        progress.say(f"{name} is killed after {len(reads.samples)} reads and {len(writes.samples)} writes")
        await asyncio.sleep(3)
        parts.start(name)
        await asyncio.sleep(6)
    parts.freeze(NODES[0])
    frozen_at = time.monotonic()
    progress.say(f"{NODES[0]} hangs")
    await asyncio.sleep(HANG)
    parts.thaw(NODES[0])
    progress.say(f"{NODES[0]} goes on")
    await asyncio.sleep(3)
    await reads.stop()
    await writes.stop()
    return frozen_at


def _report(reads: Load, writes: Load, project: str, frozen_at: float) -> int:
    rows = Counter(Task.objects.filter(project__key=project).values_list("title", flat=True))
    doubled = sum(count - 1 for count in rows.values())
    lost = len(writes.samples) - len(rows)
    not_read = [sample for sample in reads.samples if sample.answer.status not in (200, 304)]
    not_written = [sample for sample in writes.samples if sample.answer.status != 201]
    hung = reads.between(frozen_at + EJECTED_WITHIN, frozen_at + HANG)
    stuck = max(seconds(reads.between(frozen_at - 1, frozen_at + EJECTED_WITHIN)))
    slow = [sample for sample in hung if sample.answer.seconds > SLOW]
    table(
        [
            ("", "requests", "failed", "p50", "p99", "slowest"),
            ("GET", len(reads.samples), len(not_read), *_times(reads.samples)),
            ("POST with a key", len(writes.samples), len(not_written), *_times(writes.samples)),
            (f"GET from {EJECTED_WITHIN:.0f} s after the hang", len(hung), f"{len(slow)} slow", *_times(hung)),
        ]
    )
    print(
        f"rows {len(rows)}, lost {lost}, doubled {doubled}; {Counter(s.answer.status for s in [*not_read, *not_written])}"
    )
    return verdict(
        "node",
        {
            "0 failed GETs": not not_read,
            "0 failed keyed POSTs": not not_written and lost == 0,
            "0 doubled": doubled == 0,
            f"a hung node holds no GET for longer than {EJECTED_WITHIN:.0f} s": stuck <= EJECTED_WITHIN,
            "and then is left out": len(slow) <= SLOW_SHARE * len(hung) + HANG // EJECTED_WITHIN,
        },
    )


def _times(samples: list[Sample]) -> tuple[str, str, str]:
    found = seconds(samples)
    return milliseconds(found, 0.5), milliseconds(found, 0.99), milliseconds(found, 1)
