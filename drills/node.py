"""One node of three dies by kill -9 under load, then one hangs: no read fails, no keyed write fails or is done twice."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

import uvloop
from django.core.management import call_command

from drills import idempotent_client
from drills.closed_loop import ClosedLoopLoad, Sample, SendRequest, durations, get_request
from drills.cluster import NODE_NAMES, Cluster, cluster
from drills.http import Connection, Response
from drills.report import Progress, format_percentile, print_table, print_verdict
from drills.users import create_shared_project, create_user
from tasks.models import Task

READER_COUNT, WRITER_COUNT = 16, 6
HANG_SECONDS, EJECTION_TIMEOUT = 10.0, 3.0
SLOW_THRESHOLD, MAX_SLOW_SHARE = 1.0, 0.001


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as processes:
        who = create_user("Nora")
        project = create_shared_project("Drill", who).key
        address = ("127.0.0.1", processes.port)
        reads = ClosedLoopLoad(
            get_request(f"/api/v1/tasks/?project={project}"),
            [Connection(address, who.token) for _ in range(READER_COUNT)],
        )
        writes = ClosedLoopLoad(
            _create_request(project), [Connection(address, who.token) for _ in range(WRITER_COUNT)], 0.05
        )
        frozen_at = uvloop.run(_drill(processes, reads, writes))
    return _report(reads, writes, project, frozen_at)


def _create_request(project: str) -> SendRequest:
    async def ask(connection: Connection, number: int) -> Response:
        return await idempotent_client.create_task(connection, f"Task {number}", project)

    return ask


async def _drill(processes: Cluster, reads: ClosedLoopLoad, writes: ClosedLoopLoad) -> float:
    progress = Progress()
    reads.start()
    writes.start()
    await asyncio.sleep(4)
    for name in NODE_NAMES:
        await asyncio.to_thread(processes.stop, name)
        progress.print_line(f"{name} is killed after {len(reads.samples)} reads and {len(writes.samples)} writes")
        await asyncio.sleep(3)
        processes.start(name)
        await asyncio.sleep(6)
    processes.freeze(NODE_NAMES[0])
    frozen_at = time.monotonic()
    progress.print_line(f"{NODE_NAMES[0]} hangs")
    await asyncio.sleep(HANG_SECONDS)
    processes.thaw(NODE_NAMES[0])
    progress.print_line(f"{NODE_NAMES[0]} goes on")
    await asyncio.sleep(3)
    await reads.stop()
    await writes.stop()
    return frozen_at


def _report(reads: ClosedLoopLoad, writes: ClosedLoopLoad, project: str, frozen_at: float) -> int:
    rows = Counter(Task.objects.filter(project__key=project).values_list("title", flat=True))
    doubled = sum(count - 1 for count in rows.values())
    lost = len(writes.samples) - len(rows)
    not_read = [sample for sample in reads.samples if sample.answer.status not in (200, 304)]
    not_written = [sample for sample in writes.samples if sample.answer.status != 201]
    hung = reads.between(frozen_at + EJECTION_TIMEOUT, frozen_at + HANG_SECONDS)
    stuck = max(durations(reads.between(frozen_at - 1, frozen_at + EJECTION_TIMEOUT)))
    slow = [sample for sample in hung if sample.answer.seconds > SLOW_THRESHOLD]
    print_table(
        [
            ("", "requests", "failed", "p50", "p99", "slowest"),
            ("GET", len(reads.samples), len(not_read), *_latencies(reads.samples)),
            ("POST with a key", len(writes.samples), len(not_written), *_latencies(writes.samples)),
            (f"GET from {EJECTION_TIMEOUT:.0f} s after the hang", len(hung), f"{len(slow)} slow", *_latencies(hung)),
        ]
    )
    print(
        f"rows {len(rows)}, lost {lost}, doubled {doubled}; {Counter(s.answer.status for s in [*not_read, *not_written])}"
    )
    return print_verdict(
        "node",
        {
            "0 failed GETs": not not_read,
            "0 failed keyed POSTs": not not_written and lost == 0,
            "0 doubled": doubled == 0,
            f"a hung node holds no GET for longer than {EJECTION_TIMEOUT:.0f} s": stuck <= EJECTION_TIMEOUT,
            "and then is left out": len(slow) <= MAX_SLOW_SHARE * len(hung) + HANG_SECONDS // EJECTION_TIMEOUT,
        },
    )


def _latencies(samples: list[Sample]) -> tuple[str, str, str]:
    found = durations(samples)
    return format_percentile(found, 0.5), format_percentile(found, 0.99), format_percentile(found, 1)
