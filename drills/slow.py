"""One slow thing stops no others: a mail server that hangs, a frozen Redis, one project whose row is locked.

Notices reach the inbox while the mail server accepts connections and never answers. People register and sign in while
Redis, which is the broker as well, is frozen. Other projects are read and written while one project is locked.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import uvloop
from django.core.management import call_command
from django.db import connection

from drills.closed_loop import ClosedLoopLoad, Sample, durations
from drills.cluster import Cluster, cluster
from drills.http import Connection, Response
from drills.processes import PYTHON, ROOT, ProcessNotReady
from drills.report import Check, Progress, format_percentile, print_table, print_verdict
from drills.users import PASSWORD, SignedInUser, create_shared_project, create_user
from launcher import run as launcher_run
from launcher.paths import Paths

SLOW_SECONDS = 8.0
NOTICE_INTERVAL, NOTICE_TIMEOUT, START_TIMEOUT = 0.25, 60.0, 90.0
# Seconds. A creation elsewhere may wait until those that wait for the lock give up (LOCK_TIMEOUT_MS).
MAX_NOTICE_DELAY, MAX_SIGN_IN, MAX_OTHERS = 3.0, 1.0, 2.5
UNLIMITED = {
    "REGISTER_RATE": "100000/h",
    "LOGIN_RATE_PER_ADDRESS": "100000/h",
    "LOGIN_RATE_PER_ACCOUNT": "100000/h",
    # An email for each notice, so that the mail workers have as many as possible to wait for.
    "NOTIFICATION_BATCH_SECONDS": "0",
    "NOTIFICATION_EMAILS_PER_HOUR": "100000",
    "NOTIFICATION_EMAILS_PER_SENDER": "100000",
    "NOTIFICATION_EMAILS_PER_UNVERIFIED_SENDER": "100000",
}


def start_workers(processes: Cluster) -> None:
    """Start the workers as `make stack` does, one for each purpose."""
    for spec in launcher_run.background_processes(Paths.of(ROOT), {"LOG_LEVEL": "WARNING"}):
        if "worker" in spec.command:
            processes.spawn(spec.name, [PYTHON, *spec.command[1:]])


class SilentServer:
    """Accepts connections and never answers, as a program that hangs."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = str(self.listener.getsockname()[1])

    def close(self) -> None:
        self.listener.close()


@dataclass(slots=True)
class Drill:
    processes: Cluster
    lead: SignedInUser
    member: SignedInUser
    locked: str
    project: str
    seconds: float
    notice_delays: list[float] = field(default_factory=list)
    missing_notices: int = 0
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def connect(self, token: str = "") -> Connection:
        return Connection(("127.0.0.1", self.processes.port), token)

    async def run(self) -> None:
        progress = Progress()
        await self._wait_for_workers()
        progress.print_line("the mail server hangs")
        await self._measure_notices()
        progress.print_line("Redis is frozen")
        self.processes.freeze("redis")
        await self._run_loads({"registration": self._register, "sign-in, Redis frozen": self._sign_in})
        self.processes.thaw("redis")
        await asyncio.sleep(2)
        progress.print_line("one project is locked")
        await self._lock_project()

    async def _wait_for_workers(self) -> None:
        """Wait for a first notice, which is not measured."""
        await self._assign("first")
        end = time.monotonic() + START_TIMEOUT
        while "first" not in await self._notified_titles():
            if time.monotonic() > end:
                raise ProcessNotReady(self.processes.log("worker"))
            await asyncio.sleep(0.2)

    async def _assign(self, title: str) -> None:
        body = {"title": title, "project": self.project, "assignees": [str(self.member.user.pk)]}
        response = await self.connect(self.lead.token).send("POST", "/api/v1/tasks/", body)
        if response.status != 201:
            raise ProcessNotReady(f"a task was not created: {response.status} {response.body!r}")

    async def _notified_titles(self) -> set[str]:
        response = await self.connect(self.member.token).send("GET", "/api/v1/notifications/?limit=100")
        return {notice["task_title"] for notice in response.json()["results"]} if response.status == 200 else set()

    async def _measure_notices(self) -> None:
        """Assign tasks at a steady rate; note the time until each notice is in the inbox."""
        due: dict[str, float] = {}
        started = time.monotonic()
        next_at, number = started, 0
        while due or time.monotonic() < started + self.seconds:
            now = time.monotonic()
            if now >= next_at and now < started + self.seconds:
                number, next_at = number + 1, next_at + NOTICE_INTERVAL
                due[f"notice {number}"] = now
                await self._assign(f"notice {number}")
            arrived = await self._notified_titles()
            for title in due.keys() & arrived:
                self.notice_delays.append(time.monotonic() - due.pop(title))
            if time.monotonic() > started + self.seconds + NOTICE_TIMEOUT:
                self.missing_notices = len(due)
                return
            await asyncio.sleep(0.05)

    async def _run_loads(self, requests: dict[str, Any]) -> None:
        loads = {name: ClosedLoopLoad(send, [self.connect(self.lead.token)], 0.3) for name, send in requests.items()}
        for load in loads.values():
            load.start()
        await asyncio.sleep(self.seconds)
        for name, load in loads.items():
            await load.stop()
            self.samples[name] = load.samples

    async def _register(self, _connection: Connection, number: int) -> Response:
        body = {"email": f"r{number}-{os.urandom(4).hex()}@example.com", "name": "Rita", "password": PASSWORD}
        return await self.connect().send("POST", "/api/v1/auth/register/", body)

    async def _sign_in(self, _connection: Connection, _number: int) -> Response:
        body = {"email": self.member.user.email, "password": PASSWORD}
        return await self.connect().send("POST", "/api/v1/auth/login/", body)

    async def _create(self, connection: Connection, number: int) -> Response:
        body = {"title": f"Other {number}", "project": self.project}
        return await connection.send("POST", "/api/v1/tasks/", body)

    async def _create_in_locked(self, connection: Connection, number: int) -> Response:
        return await connection.send("POST", "/api/v1/tasks/", {"title": f"Waiting {number}", "project": self.locked})

    async def _read(self, connection: Connection, number: int) -> Response:
        return await connection.send("GET", f"/api/v1/tasks/?project={self.project}&search={number}")

    async def _lock_project(self) -> None:
        creators = ClosedLoopLoad(self._create_in_locked, [self.connect(self.lead.token) for _ in range(20)], 0.1)
        parameters = connection.get_connection_params()
        with psycopg.connect(**{name: parameters[name] for name in ("dbname", "user", "host")}) as holder:
            holder.execute("SELECT 1 FROM tasks_project WHERE key = %s FOR UPDATE", [self.locked])
            creators.start()
            await self._run_loads({"creation elsewhere": self._create, "list": self._read, "sign-in": self._sign_in})
            holder.rollback()
        await creators.stop()


def run(folder: Path, seconds: str = str(SLOW_SECONDS)) -> int:
    """Run the drill; each slow thing lasts for `seconds`."""
    call_command("migrate", verbosity=0)
    mail_server = SilentServer()
    mail = {
        "EMAIL_BACKEND": "notifications.email.backend.SmtpBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": mail_server.port,
    }
    try:
        with cluster(folder, **UNLIMITED, **mail) as processes:
            start_workers(processes)
            lead, member = create_user("Lena"), create_user("Milo")
            locked, project = (create_shared_project(name, lead, member).key for name in ("Locked", "Other"))
            drill = Drill(processes, lead, member, locked, project, float(seconds))
            uvloop.run(drill.run())
    finally:
        mail_server.close()
    return _report(drill)


def _report(drill: Drill) -> int:
    print_table(
        [
            ("", "requests", "failed", "p50", "slowest"),
            *(
                (name, len(samples), _count_failed(samples), *_latencies(durations(samples)))
                for name, samples in drill.samples.items()
            ),
            ("notice in the inbox", len(drill.notice_delays), drill.missing_notices, *_latencies(drill.notice_delays)),
        ]
    )
    notice = max(drill.notice_delays, default=0.0)
    bounds = {"registration": MAX_SIGN_IN, "sign-in, Redis frozen": MAX_SIGN_IN}
    checks = [
        Check(f"{drill.missing_notices} notices missing while the mail server hangs", "0", not drill.missing_notices),
        Check(f"latest notice after {notice:.1f} s", f"<= {MAX_NOTICE_DELAY} s", notice <= MAX_NOTICE_DELAY),
    ]
    for name, samples in drill.samples.items():
        failed, slowest = _count_failed(samples), max(durations(samples))
        bound = bounds.get(name, MAX_OTHERS)
        checks += [
            Check(f"{name}: {failed} of {len(samples)} failed", "0", failed == 0),
            Check(f"{name}: slowest {slowest:.2f} s", f"<= {bound} s", slowest <= bound),
        ]
    return print_verdict("slow", checks)


def _count_failed(samples: list[Sample]) -> int:
    return sum(sample.response.status not in (200, 201) for sample in samples)


def _latencies(seconds: list[float]) -> tuple[str, str]:
    return format_percentile(seconds, 0.5), format_percentile(seconds, 1)
