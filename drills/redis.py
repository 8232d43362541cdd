"""Redis is a cache that may vanish: killed, frozen and flushed under load, no read and no write fails because of it."""

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
from drills.report import Progress, format_percentile, percentile, print_table, print_verdict
from drills.users import SignedInUser, create_shared_project, create_user

CALM_SECONDS, RECOVERY_TIMEOUT = 6.0, 5.0
KILLED_SECONDS, FROZEN_SECONDS = 5.0, 30.0
READER_COUNT, WRITER_COUNT, WRITE_INTERVAL = 8, 2, 0.02


@dataclass(slots=True)
class Outage:
    """What was done to Redis, and when it was there again."""

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
    normal = Outage("calm", started_at, started_at, time.monotonic())
    outages = [normal]
    for name, away in (("killed", KILLED_SECONDS), ("frozen", frozen), ("flushed", 0.0)):
        outages.append(await _run_outage(processes, name, away))
        progress.print_line(f"{name}: {len(reads.samples)} reads, {len(writes.samples)} writes so far")
    await reads.stop()
    await writes.stop()
    return _report(reads, writes, outages)


def _create_request(project: str) -> SendRequest:
    keys = itertools.count()

    async def ask(connection: Connection, _number: int) -> Response:
        body = {"title": f"Task {next(keys)}", "project": project}
        return await connection.send("POST", "/api/v1/tasks/", body)

    return ask


async def _run_outage(processes: Cluster, name: str, away: float) -> Outage:
    started_at = time.monotonic()
    if name == "killed":
        await asyncio.to_thread(processes.stop, "redis")
        await asyncio.sleep(away)
        await asyncio.to_thread(processes.start, "redis")
    elif name == "frozen":
        processes.freeze("redis")
        await asyncio.sleep(away)
        processes.thaw("redis")
    else:
        processes.redis("FLUSHALL")
    recovered_at = time.monotonic()
    await asyncio.sleep(CALM_SECONDS + 1)
    return Outage(name, started_at, recovered_at, time.monotonic())


def _report(reads: ClosedLoopLoad, writes: ClosedLoopLoad, outages: list[Outage]) -> int:
    head = ("Redis", "reads", "p50", "p99", "writes", "p50", "slowest", "5xx", "normal again after")
    calm = outages[0]
    backs = [max(_recovery_time(load, calm, outage) for load in (reads, writes)) for outage in outages]
    print_table([head, *(_table_row(reads, writes, *pair) for pair in zip(outages, backs, strict=True))])
    samples = [*reads.samples, *writes.samples]
    broken = count_failed(samples)
    refused = sum(sample.answer.status not in (200, 201) for sample in samples) - broken
    return print_verdict(
        "redis",
        {
            f"0 5xx of {len(samples)}": broken == 0,
            "nothing refused": refused == 0,
            f"latency back within {RECOVERY_TIMEOUT:.0f} s": max(backs) <= RECOVERY_TIMEOUT,
        },
    )


def _table_row(reads: ClosedLoopLoad, writes: ClosedLoopLoad, outage: Outage, back: float) -> tuple[object, ...]:
    read, written = (load.between(outage.started_at, outage.ended_at) for load in (reads, writes))
    return (
        outage.name,
        len(read),
        format_percentile(durations(read), 0.5),
        format_percentile(durations(read), 0.99),
        len(written),
        format_percentile(durations(written), 0.5),
        format_percentile(durations(written), 1),
        count_failed([*read, *written]),
        f"{back:.1f} s",
    )


def _recovery_time(load: ClosedLoopLoad, calm: Outage, outage: Outage) -> float:
    """Seconds from Redis' return to the end of the last half second in which answers were slower than usual."""
    slow = 2 * percentile(durations(load.between(calm.started_at, calm.ended_at)), 0.9) + 0.02
    back = 0.0
    moment = outage.recovered_at
    while moment + 0.5 <= outage.ended_at:
        if percentile(durations(load.between(moment, moment + 0.5)), 0.5) > slow:
            back = moment + 0.5 - outage.recovered_at
        moment += 0.5
    return back
