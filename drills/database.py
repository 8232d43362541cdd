"""No write is lost, and no request gets a 500, while PostgreSQL is in trouble.

All connections are terminated; the server is restarted, frozen, and out of connections; one row is locked for long. Three
nodes behind nginx serve cached and uncached reads and writes with an Idempotency-Key, which are repeated until they succeed.
What cannot be served gets a 503 with Retry-After in time, full service is back within a second after each fault, nginx
takes no node out, and every node answers /livez throughout.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from django.core.management import call_command
from django.db import connections

from drills.closed_loop import ClosedLoopLoad, Sample, durations
from drills.cluster import NODE_NAMES, Cluster, cluster
from drills.http import Connection, Response
from drills.postgres import PostgresServer
from drills.report import Check, Progress, print_table, print_verdict
from drills.users import create_shared_project, create_user
from tasks.models import Task

FAULT_SECONDS, CALM_SECONDS = 8.0, 4.0
READER_COUNT, WRITER_COUNT = 8, 6
PAUSE = 0.02
MAX_RECOVERY = 1.0
# Seconds. Nodes answer within two while the server is frozen, and nginx asks another one after 2.5. A write may wait for two
# locks in turn, for LOCK_TIMEOUT_MS each: behind another one that waits for the row, and for the row.
MAX_FROZEN_WAIT, MAX_WAIT = 3.0, 5.0
# How long a write is repeated before it counts as not acknowledged.
WRITE_TIMEOUT = 60.0
TABLE_HEAD = ("PostgreSQL", "for", "reads", "refused", "slowest", "writes", "refused", "slowest", "full service after")


@dataclass(slots=True)
class Fault:
    name: str
    inject: Callable[[], Awaitable[None]]
    started_at: float = 0.0
    ended_at: float = 0.0
    calm_until: float = 0.0


@dataclass(slots=True)
class Writer:
    """Creates tasks in one project; each is sent again with its key until it is acknowledged."""

    project: str
    samples: list[Sample] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    unacknowledged: int = 0
    retries: int = 0

    async def create(self, connection: Connection, number: int) -> Response:
        title, end = f"{self.project} {number}", time.monotonic() + WRITE_TIMEOUT
        headers = {"Idempotency-Key": f'"{os.urandom(12).hex()}"'}
        while True:
            at = time.monotonic()
            body = {"title": title, "project": self.project}
            response = await connection.send("POST", "/api/v1/tasks/", body, headers)
            self.samples.append(Sample(at, response))
            if response.status == 201:
                self.acknowledged.append(title)
                return response
            if time.monotonic() > end:
                self.unacknowledged += 1
                return response
            self.retries += 1
            await asyncio.sleep(float(response.headers.get("retry-after", 0.2)))


@dataclass(slots=True)
class Liveness:
    """Asks every node for /livez, directly."""

    processes: Cluster
    failed: int = 0
    slowest: float = 0.0
    stopped: bool = False

    async def run(self) -> None:
        probes = [Connection(self.processes.socket(name)) for name in NODE_NAMES]
        while not self.stopped:
            for response in await asyncio.gather(*(probe.send("GET", "/livez", timeout=5) for probe in probes)):
                self.failed += response.status != 200
                self.slowest = max(self.slowest, response.seconds)
            await asyncio.sleep(0.1)


def run(folder: Path, seconds: str = str(FAULT_SECONDS), seed: str = "") -> int:
    """Run the drill; the long faults last `seconds`, and `seed` gives the same order of faults again."""
    seed = seed or os.urandom(4).hex()
    print(f"seed {seed}", flush=True)
    with PostgresServer(folder) as postgres:
        call_command("migrate", verbosity=0)
        with cluster(folder) as processes:
            removed = processes.count_removed_nodes()
            user = create_user("Dora")
            projects = [create_shared_project(name, user).key for name in ("Locked", "Other")]
            # The faults are not meant for this process.
            connections["default"].close()
            connections["default"].close_pool()  # type: ignore[attr-defined]
            drill = Drill(processes, postgres, user.token, projects, float(seconds))
            uvloop.run(drill.run(random.Random(seed)))
            removed = processes.count_removed_nodes() - removed
        return drill.report(removed)


@dataclass(slots=True)
class Drill:
    processes: Cluster
    postgres: PostgresServer
    token: str
    projects: list[str]
    seconds: float
    writers: list[Writer] = field(default_factory=list)
    reads: list[Sample] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    liveness: Liveness = field(init=False)

    async def run(self, order: random.Random) -> None:
        """Run the load, and inject the faults one after the other."""
        address = ("127.0.0.1", self.processes.port)
        self.liveness = Liveness(self.processes)
        self.writers = [Writer(project) for project in self.projects]
        loads = [ClosedLoopLoad(self._read, [Connection(address, self.token) for _ in range(READER_COUNT)], PAUSE)]
        for writer in self.writers:
            clients = [Connection(address, self.token) for _ in range(WRITER_COUNT // 2)]
            loads.append(ClosedLoopLoad(writer.create, clients, PAUSE))
        self.reads = loads[0].samples
        self.faults = [
            Fault("connections terminated", self._terminate),
            Fault("restarted", self._restart),
            Fault("frozen", self._freeze),
            Fault("out of connections", self._exhaust),
            Fault("row locked", self._lock_row),
        ]
        order.shuffle(self.faults)
        progress = Progress()
        for load in loads:
            load.start()
        probes = asyncio.create_task(self.liveness.run())
        await asyncio.sleep(CALM_SECONDS)
        for fault in self.faults:
            progress.print_line(f"PostgreSQL: {fault.name}")
            fault.started_at = time.monotonic()
            await fault.inject()
            fault.ended_at = time.monotonic()
            await asyncio.sleep(CALM_SECONDS)
            fault.calm_until = time.monotonic()
        await asyncio.gather(*(load.stop() for load in loads))
        self.liveness.stopped = True
        await probes

    async def _read(self, connection: Connection, number: int) -> Response:
        # Every second one is in no cache.
        query = f"&search={number}" if number % 2 else ""
        return await connection.send("GET", f"/api/v1/tasks/?project={self.projects[1]}{query}")

    async def _terminate(self) -> None:
        for _ in range(3):
            await asyncio.to_thread(self.postgres.terminate_backends)
            await asyncio.sleep(0.5)

    async def _restart(self) -> None:
        await asyncio.to_thread(self.postgres.stop)
        await asyncio.to_thread(self.postgres.start)

    async def _freeze(self) -> None:
        self.postgres.freeze()
        await asyncio.sleep(self.seconds)
        self.postgres.thaw()

    async def _exhaust(self) -> None:
        await asyncio.to_thread(self.postgres.exhaust_connections, self.seconds)

    async def _lock_row(self) -> None:
        with self.postgres.connect() as connection:
            connection.execute("SELECT 1 FROM tasks_project WHERE key = %s FOR UPDATE", [self.projects[0]])
            await asyncio.sleep(self.seconds)
            connection.rollback()

    def report(self, removed: int) -> int:
        """Print the table and the verdict; `removed` is how often nginx took a node out."""
        locked, other = self.writers
        samples = [*self.reads, *locked.samples, *other.samples]
        statuses = Counter(sample.response.status for sample in samples)
        errors = statuses.total() - sum(statuses[status] for status in (200, 201, 304, 409, 503))
        silent = sum(is_refused(sample) and "retry-after" not in sample.response.headers for sample in samples)
        print_table([TABLE_HEAD, *(self._table_row(fault) for fault in self.faults)])
        codes = Counter(sample.response.json()["code"] for sample in samples if sample.response.status in (409, 503))
        print(f"statuses {dict(statuses)}; codes {dict(codes)}; writes sent again {locked.retries + other.retries}")
        rows = Counter(Task.objects.filter(project__key__in=self.projects).values_list("title", flat=True))
        acknowledged = [*locked.acknowledged, *other.acknowledged]
        lost = sum(title not in rows for title in acknowledged)
        duplicated = sum(count - 1 for count in rows.values())
        unacknowledged = locked.unacknowledged + other.unacknowledged
        slowest = {fault.name: max(durations(self._between(samples, fault))) for fault in self.faults}
        frozen, overall = slowest["frozen"], max(slowest.values())
        recovery = max(self._recovery_time(self._between(samples, fault), fault) for fault in self.faults)
        lock = next(fault for fault in self.faults if fault.inject == self._lock_row)
        rejected = [sample for sample in self._between([*self.reads, *other.samples], lock) if is_refused(sample)]
        for sample in rejected:
            print(f"refused while the row of another project was locked: {sample.response.body!r}")
        return print_verdict(
            "database",
            [
                Check(f"{statuses[500]} of {len(samples)} requests got a 500", "0", statuses[500] == 0),
                Check(f"{errors - statuses[500]} got another error", "0", errors == statuses[500]),
                Check(f"{silent} of {statuses[503]} 503s without Retry-After", "0", silent == 0),
                Check(f"{lost} of {len(acknowledged)} acknowledged writes lost", "0", lost == 0),
                Check(f"{duplicated} writes done twice", "0", duplicated == 0),
                Check(
                    f"{unacknowledged} writes not acknowledged after {WRITE_TIMEOUT:.0f} s", "0", unacknowledged == 0
                ),
                Check(
                    f"slowest response while frozen {frozen:.1f} s",
                    f"<= {MAX_FROZEN_WAIT} s",
                    frozen <= MAX_FROZEN_WAIT,
                ),
                Check(f"slowest of all {overall:.1f} s", f"<= {MAX_WAIT} s", overall <= MAX_WAIT),
                Check(f"full service after {recovery:.1f} s", f"<= {MAX_RECOVERY:.0f} s", recovery <= MAX_RECOVERY),
                Check(f"{len(rejected)} requests refused that need no locked row", "0", not rejected),
                Check(f"nginx took a node out {removed} times", "0", removed == 0),
                Check(f"{self.liveness.failed} of all /livez failed", "0", self.liveness.failed == 0),
                Check(f"slowest /livez {self.liveness.slowest:.1f} s", "<= 1 s", self.liveness.slowest <= 1),
            ],
        )

    def _table_row(self, fault: Fault) -> tuple[object, ...]:
        reads = self._between(self.reads, fault)
        writes = [sample for writer in self.writers for sample in self._between(writer.samples, fault)]
        return (
            fault.name,
            f"{fault.ended_at - fault.started_at:.1f} s",
            len(reads),
            sum(map(is_refused, reads)),
            f"{max(durations(reads)):.1f} s",
            len(writes),
            sum(map(is_refused, writes)),
            f"{max(durations(writes)):.1f} s",
            f"{self._recovery_time([*reads, *writes], fault):.1f} s",
        )

    @staticmethod
    def _between(samples: Sequence[Sample], fault: Fault) -> list[Sample]:
        # Those in progress when the next fault began belong to none.
        return [
            sample for sample in samples if fault.started_at <= sample.at < fault.calm_until - sample.response.seconds
        ]

    @staticmethod
    def _recovery_time(samples: Sequence[Sample], fault: Fault) -> float:
        """Return how many seconds after the fault's end the last request was sent that failed."""
        failed = [sample.at for sample in samples if sample.at >= fault.ended_at and is_refused(sample)]
        return max(failed, default=fault.ended_at) - fault.ended_at


def is_refused(sample: Sample) -> bool:
    return sample.response.status not in (200, 201, 304)
