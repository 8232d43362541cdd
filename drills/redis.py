"""No read and no write fails while Redis is killed, frozen and flushed under load."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop
from django.core.management import call_command

from drills.closed_loop import ClosedLoopLoad, SendRequest, count_failed, durations, get_request
from drills.cluster import Cluster, cluster
from drills.http import Connection, Response
from drills.report import Check, Progress, format_percentile, percentile, print_table, print_verdict
from drills.users import SignedInUser, create_shared_project, create_user

CALM_SECONDS, RECOVERY_TIMEOUT = 6.0, 5.0
KILLED_SECONDS, FROZEN_SECONDS = 5.0, 30.0
READER_COUNT, WRITER_COUNT, WRITE_INTERVAL = 8, 2, 0.02


@dataclass(slots=True)
class Outage:
    """One fault of Redis; `recovered_at` is when Redis answered again."""

    name: str
    started_at: float
    recovered_at: float
    ended_at: float = 0.0


def run(folder: Path, frozen: str = str(FROZEN_SECONDS)) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as processes:
        reader, writer = create_user("Rosa"), create_user("Wanda")
        project = create_shared_project("Drill", writer, reader)
        return uvloop.run(_drill(processes, reader, writer, project.key, float(frozen)))


async def _drill(processes: Cluster, reader: SignedInUser, writer: SignedInUser, project: str, frozen: float) -> int:
    address = ("127.0.0.1", processes.port)
    url = f"/api/v1/tasks/?project={project}"
    reads = ClosedLoopLoad(
        get_request(url), [Connection(address, reader.token) for _ in range(READER_COUNT)], WRITE_INTERVAL
    )
    writes = ClosedLoopLoad(
        _create_request(project), [Connection(address, writer.token) for _ in range(WRITER_COUNT)], 5 * WRITE_INTERVAL
    )
    progress = Progress()
    reads.start()
    writes.start()
    await asyncio.sleep(2)
    started_at = time.monotonic()
    await asyncio.sleep(CALM_SECONDS)
    outages = [Outage("running", started_at, started_at, time.monotonic())]
    for name, seconds in (("killed", KILLED_SECONDS), ("frozen", frozen), ("flushed", 0.0)):
        outages.append(await _run_outage(processes, name, seconds))
        progress.print_line(f"Redis {name}: {len(reads.samples)} reads and {len(writes.samples)} writes so far")
    await reads.stop()
    await writes.stop()
    return _report(reads, writes, outages)


def _create_request(project: str) -> SendRequest:
    numbers = itertools.count()

    async def create(connection: Connection, _number: int) -> Response:
        body = {"title": f"Task {next(numbers)}", "project": project}
        return await connection.send("POST", "/api/v1/tasks/", body)

    return create


async def _run_outage(processes: Cluster, name: str, seconds: float) -> Outage:
    started_at = time.monotonic()
    if name == "killed":
        await asyncio.to_thread(processes.stop, "redis")
        await asyncio.sleep(seconds)
        await asyncio.to_thread(processes.start, "redis")
    elif name == "frozen":
        processes.freeze("redis")
        await asyncio.sleep(seconds)
        processes.thaw("redis")
    else:
        processes.redis("FLUSHALL")
    recovered_at = time.monotonic()
    await asyncio.sleep(CALM_SECONDS + 1)
    return Outage(name, started_at, recovered_at, time.monotonic())


def _report(reads: ClosedLoopLoad, writes: ClosedLoopLoad, outages: list[Outage]) -> int:
    head = ("Redis", "reads", "p50", "p99", "writes", "p50", "slowest", "5xx", "normal again after")
    normal = outages[0]
    recoveries = [max(_recovery_time(load, normal, outage) for load in (reads, writes)) for outage in outages]
    print_table([head, *(_table_row(reads, writes, *pair) for pair in zip(outages, recoveries, strict=True))])
    samples = [*reads.samples, *writes.samples]
    failed = count_failed(samples)
    rejected = sum(sample.response.status not in (200, 201) for sample in samples) - failed
    return print_verdict(
        "redis",
        [
            Check(f"{failed} of {len(samples)} requests failed", "0", failed == 0),
            Check(f"{rejected} rejected", "0", rejected == 0),
            Check(
                f"latency normal again after {max(recoveries):.1f} s",
                f"<= {RECOVERY_TIMEOUT:.0f} s",
                max(recoveries) <= RECOVERY_TIMEOUT,
            ),
        ],
    )


def _table_row(reads: ClosedLoopLoad, writes: ClosedLoopLoad, outage: Outage, recovery: float) -> tuple[object, ...]:
    read_samples, write_samples = (load.between(outage.started_at, outage.ended_at) for load in (reads, writes))
    return (
        outage.name,
        len(read_samples),
        format_percentile(durations(read_samples), 0.5),
        format_percentile(durations(read_samples), 0.99),
        len(write_samples),
        format_percentile(durations(write_samples), 0.5),
        format_percentile(durations(write_samples), 1),
        count_failed([*read_samples, *write_samples]),
        f"{recovery:.1f} s",
    )


def _recovery_time(load: ClosedLoopLoad, normal: Outage, outage: Outage) -> float:
    """Return how many seconds after the outage the last slow half second ended.

    A half second is slow if its median is more than twice the normal 90th percentile.
    """
    slow = 2 * percentile(durations(load.between(normal.started_at, normal.ended_at)), 0.9) + 0.02
    recovery = 0.0
    moment = outage.recovered_at
    while moment + 0.5 <= outage.ended_at:
        if percentile(durations(load.between(moment, moment + 0.5)), 0.5) > slow:
            recovery = moment + 0.5 - outage.recovered_at
        moment += 0.5
    return recovery
