"""No read and no write with an Idempotency-Key fails while nodes are killed and hang.

No write runs twice. Under load, each of the three nodes is killed (SIGKILL) once; then one is frozen.
"""

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
from drills.report import Check, Progress, format_percentile, print_table, print_verdict
from drills.users import create_shared_project, create_user
from tasks.models import Task

READER_COUNT, WRITER_COUNT = 16, 6
HANG_SECONDS, EJECTION_TIMEOUT = 10.0, 3.0
SLOW_THRESHOLD, MAX_SLOW_SHARE = 1.0, 0.001


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as processes:
        user = create_user("Nora")
        project = create_shared_project("Drill", user).key
        address = ("127.0.0.1", processes.port)
        reads = ClosedLoopLoad(
            get_request(f"/api/v1/tasks/?project={project}"),
            [Connection(address, user.token) for _ in range(READER_COUNT)],
        )
        writes = ClosedLoopLoad(
            _create_request(project), [Connection(address, user.token) for _ in range(WRITER_COUNT)], 0.05
        )
        frozen_at = uvloop.run(_drill(processes, reads, writes))
    return _report(reads, writes, project, frozen_at)


def _create_request(project: str) -> SendRequest:
    async def create(connection: Connection, number: int) -> Response:
        return await idempotent_client.create_task(connection, f"Task {number}", project)

    return create


async def _drill(processes: Cluster, reads: ClosedLoopLoad, writes: ClosedLoopLoad) -> float:
    progress = Progress()
    reads.start()
    writes.start()
    await asyncio.sleep(4)
    for name in NODE_NAMES:
        await asyncio.to_thread(processes.stop, name)
        progress.print_line(f"killed {name} after {len(reads.samples)} reads and {len(writes.samples)} writes")
        await asyncio.sleep(3)
        processes.start(name)
        await asyncio.sleep(6)
    processes.freeze(NODE_NAMES[0])
    frozen_at = time.monotonic()
    progress.print_line(f"froze {NODE_NAMES[0]}")
    await asyncio.sleep(HANG_SECONDS)
    processes.thaw(NODE_NAMES[0])
    progress.print_line(f"resumed {NODE_NAMES[0]}")
    await asyncio.sleep(3)
    await reads.stop()
    await writes.stop()
    return frozen_at


def _report(reads: ClosedLoopLoad, writes: ClosedLoopLoad, project: str, frozen_at: float) -> int:
    rows = Counter(Task.objects.filter(project__key=project).values_list("title", flat=True))
    duplicated = sum(count - 1 for count in rows.values())
    lost = sum(
        sample.response.status == 201 and sample.response.json()["title"] not in rows for sample in writes.samples
    )
    failed_reads = [sample for sample in reads.samples if sample.response.status not in (200, 304)]
    failed_writes = [sample for sample in writes.samples if sample.response.status != 201]
    after_ejection = reads.between(frozen_at + EJECTION_TIMEOUT, frozen_at + HANG_SECONDS)
    slowest = max(durations(reads.between(frozen_at - 1, frozen_at + EJECTION_TIMEOUT)))
    slow = [sample for sample in after_ejection if sample.response.seconds > SLOW_THRESHOLD]
    print_table(
        [
            ("", "requests", "failed", "p50", "p99", "slowest"),
            ("GET", len(reads.samples), len(failed_reads), *_latencies(reads.samples)),
            ("POST with a key", len(writes.samples), len(failed_writes), *_latencies(writes.samples)),
            (
                f"GET from {EJECTION_TIMEOUT:.0f} s after the hang",
                len(after_ejection),
                f"{len(slow)} slow",
                *_latencies(after_ejection),
            ),
        ]
    )
    statuses = Counter(sample.response.status for sample in [*failed_reads, *failed_writes])
    max_slow = MAX_SLOW_SHARE * len(after_ejection) + HANG_SECONDS // EJECTION_TIMEOUT
    print(f"rows {len(rows)}, lost {lost}, duplicated {duplicated}; statuses of failures: {dict(statuses)}")
    return print_verdict(
        "node",
        [
            Check(f"{len(failed_reads)} GETs failed", "0", not failed_reads),
            Check(f"{len(failed_writes)} POSTs with a key failed", "0", not failed_writes),
            Check(f"{lost} acknowledged rows lost", "0", lost == 0),
            Check(f"{duplicated} rows duplicated", "0", duplicated == 0),
            Check(
                f"slowest GET during the hang {slowest:.1f} s",
                f"<= {EJECTION_TIMEOUT:.0f} s",
                slowest <= EJECTION_TIMEOUT,
            ),
            Check(f"{len(slow)} slow GETs afterwards", f"<= {max_slow:.0f}", len(slow) <= max_slow),
        ],
    )


def _latencies(samples: list[Sample]) -> tuple[str, str, str]:
    seconds = durations(samples)
    return format_percentile(seconds, 0.5), format_percentile(seconds, 0.99), format_percentile(seconds, 1)
