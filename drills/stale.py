"""No stale reads: readers on three nodes check every response against the completed writes.

Readers and writers are the same users, in shared projects. A read that starts after the response to a write must show at
least that write, for every writer and every node, while Redis is flushed, killed and frozen.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from django.core.management import call_command

from drills.cluster import Cluster, cluster
from drills.consistency_model import Expectation, Model
from drills.faults import flush_redis, freeze_redis, restart_redis, thaw_redis
from drills.http import Connection, Response
from drills.report import Check, Progress, format_percentile, print_table, print_verdict
from drills.users import SignedInUser, create_shared_project, create_user

READ_COUNT = 100_000
MIN_DURATION, MAX_DURATION = 60.0, 360.0
PROJECT_COUNT, USER_COUNT, MEMBER_COUNT, TASK_COUNT = 6, 12, 3, 6
READER_COUNT, WRITER_COUNT = 24, 4
HOT_TASK_COUNT = 2
WRITE_INTERVAL = 0.25
MISSES_METRIC, HITS_METRIC = (f'gateway_cache_lookups_total{{outcome="{outcome}"}}' for outcome in ("miss", "hit"))


@dataclass(slots=True)
class DrillState:
    """The processes, the models of all projects, and what readers and writers have counted."""

    processes: Cluster
    models: list[Model]
    progress: Progress
    counter: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    stopped: bool = False

    def connect(self, user: SignedInUser) -> Connection:
        return Connection(("127.0.0.1", self.processes.port), user.token)


def run(folder: Path, reads: str = str(READ_COUNT)) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as processes:
        state = DrillState(processes, _create_models(), Progress())
        hits, misses = uvloop.run(_drill(state, int(reads)))
    return _report(state, hits, misses, int(reads))


def _create_models() -> list[Model]:
    users = [create_user(f"User{number}") for number in range(USER_COUNT)]
    models = []
    for number in range(PROJECT_COUNT):
        members = [users[(number * 2 + step) % USER_COUNT] for step in range(MEMBER_COUNT)]
        project = create_shared_project(f"Project {number}", *members)
        models.append(Model(project.key, members, guest=create_user(f"Guest{number}")))
    return models


async def _drill(state: DrillState, reads: int) -> tuple[float, float]:
    """Run readers, writers and faults. Returns the numbers of cache hits and misses."""
    for model in state.models:
        connection = state.connect(model.members[0])
        for _ in range(TASK_COUNT):
            await _create_task(state, model, connection)
    async with asyncio.TaskGroup() as group:
        for number in range(READER_COUNT):
            group.create_task(_read_loop(state, state.models[number % PROJECT_COUNT], number))
        for _ in range(WRITER_COUNT):
            group.create_task(_write_loop(state))
        group.create_task(_report_progress(state))
        await _inject_faults(state)
        while state.counter["reads"] < reads and state.progress.seconds < MAX_DURATION:
            await asyncio.sleep(0.2)
        state.stopped = True
    return await state.processes.counter(HITS_METRIC), await state.processes.counter(MISSES_METRIC)


# --- readers -------------------------------------------------------------------------------------


async def _read_loop(state: DrillState, model: Model, number: int) -> None:
    user = model.guest if number >= READER_COUNT - PROJECT_COUNT else model.members[number % MEMBER_COUNT]
    reader = Reader(state, model, user, state.connect(user))
    while not state.stopped:
        await reader.read()


@dataclass(slots=True)
class Reader:
    """Reads a few URLs again and again, half of the time with a known ETag."""

    state: DrillState
    model: Model
    user: SignedInUser
    connection: Connection
    known: dict[str, tuple[str, Any]] = field(default_factory=dict)

    async def read(self) -> None:
        draw = random.random()
        task = random.choice(list(self.model.versions)[:HOT_TASK_COUNT])
        if self.user is self.model.guest or draw < 0.6:
            await self.check(f"/api/v1/tasks/?project={self.model.key}&limit=100")
        elif draw < 0.99:
            await self.check(f"/api/v1/tasks/{task}/", task)
        else:
            await self.check(f"/api/v1/tasks/stats/?project={self.model.key}")

    async def check(self, url: str, task: str = "") -> None:
        """Read a URL and record whether the response is stale."""
        expectation = self.model.expectation(task)
        etag, body = self.known.get(url, ("", None))
        headers = {"If-None-Match": etag} if etag and random.random() < 0.5 else {}
        response = await self.connection.send("GET", url, headers=headers)
        if response.status == 200:
            body = response.json()
            self.known[url] = (response.headers.get("etag", ""), body)
        self.state.counter["reads"] += 1
        self.state.counter[f"{response.status}"] += 1
        self.state.seconds.append(response.seconds)
        if response.status in (200, 304, 404) and not self.is_met(expectation, url, task, response, body):
            self.state.stale.append(f"{self.state.progress.seconds:.2f} s {url} {self.user.user.name}")

    def is_met(self, expectation: Expectation, url: str, task: str, response: Response, body: Any) -> bool:
        if task:
            return expectation.matches_task(200 if response.status == 304 else response.status, body or {})
        if "stats" in url:
            return expectation.matches_count(body["total"])
        if self.user is self.model.guest:
            return expectation.matches_guest_list(body["results"])
        return expectation.matches_list(body["results"])


# --- writers -------------------------------------------------------------------------------------


async def _write_loop(state: DrillState) -> None:
    """Write as a random member, then read as the writer and as another member."""
    while not state.stopped:
        model = random.choice(state.models)
        writer, other = random.sample(model.members, 2)
        connection = state.connect(writer)
        task = await _write_random(state, model, connection)
        for user in (writer, other):
            reader = Reader(state, model, user, state.connect(user))
            await reader.check(f"/api/v1/tasks/?project={model.key}&limit=100")
            if task in model.versions:
                await reader.check(f"/api/v1/tasks/{task}/", task)
            reader.connection.close()
        connection.close()
        await asyncio.sleep(WRITE_INTERVAL * random.random() * 2)


async def _write_random(state: DrillState, model: Model, connection: Connection) -> str:
    """Write once and return the id of the created or updated task."""
    draw = random.random()
    if draw < 0.1 and not model.pending_changes:
        await _toggle_guest_membership(state, model)
    elif draw < 0.2 and len(model.versions) > TASK_COUNT // 2:
        await _delete_task(state, model, connection)
    elif draw < 0.3 and len(model.versions) < TASK_COUNT * 2:
        return await _create_task(state, model, connection)
    else:
        return await _rename_task(state, model, connection)
    return ""


def _record_write(state: DrillState, response: Response) -> Response:
    state.counter["writes"] += 1
    state.counter["failed writes"] += response.status == 0 or response.status >= 500
    return response


async def _create_task(state: DrillState, model: Model, connection: Connection) -> str:
    model.begin_change()
    body = {"title": f"Task {random.random()}", "project": model.key}
    response = _record_write(state, await connection.send("POST", "/api/v1/tasks/", body))
    if response.status != 201:  # the task may exist or not, so counts of this project are no longer checked
        return ""
    model.pending_changes -= 1
    task: str = response.json()["id"]
    model.record_write(task, 1)
    return task


async def _rename_task(state: DrillState, model: Model, connection: Connection) -> str:
    task = random.choice(list(model.versions))
    response = _record_write(
        state, await connection.send("PATCH", f"/api/v1/tasks/{task}/", {"title": f"{random.random()}"})
    )
    if response.status == 200 and task in model.versions:
        model.record_write(task, response.json()["version"])
    return task


async def _delete_task(state: DrillState, model: Model, connection: Connection) -> None:
    model.begin_change()
    task = random.choice(list(model.versions))
    del model.versions[task]
    model.being_deleted.add(task)
    if _record_write(state, await connection.send("DELETE", f"/api/v1/tasks/{task}/")).status == 204:
        model.deleted.add(task)
        model.pending_changes -= 1


async def _toggle_guest_membership(state: DrillState, model: Model) -> None:
    model.begin_change()
    owner = state.connect(model.members[0])
    members, guest = f"/api/v1/projects/{model.key}/members/", str(model.guest.user.pk)
    if model.guest_is_member:
        response = _record_write(state, await owner.send("DELETE", f"{members}{guest}/"))
    else:
        response = _record_write(state, await owner.send("POST", members, {"user": guest, "role": "viewer"}))
    if response.status in (201, 204):
        model.guest_is_member = not model.guest_is_member
        model.pending_changes -= 1
    owner.close()


# --- faults of Redis -----------------------------------------------------------------------------


async def _inject_faults(state: DrillState) -> None:
    processes, print_line = state.processes, state.progress.print_line
    await _sleep_until(state, 10)
    print_line("flushed Redis")
    await flush_redis(processes)
    await _sleep_until(state, 18)
    print_line("killed and restarted Redis")
    await restart_redis(processes)
    await _sleep_until(state, 27)
    print_line("killed Redis for 3 s")
    await asyncio.to_thread(processes.stop, "redis")
    await asyncio.sleep(3)
    await asyncio.to_thread(processes.start, "redis")
    for moment, seconds in ((38, 5.0), (48, 1.0)):
        await _sleep_until(state, moment)
        print_line(f"froze Redis for {seconds:.0f} s")
        await freeze_redis(processes)
        await asyncio.sleep(seconds)
        await thaw_redis(processes)
    await _sleep_until(state, 54)
    print_line("flushed Redis")
    await flush_redis(processes)
    await _sleep_until(state, MIN_DURATION)


async def _sleep_until(state: DrillState, moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - state.progress.seconds))


async def _report_progress(state: DrillState) -> None:
    while not state.stopped:
        await asyncio.sleep(5)
        counter = state.counter
        state.progress.print_line(f"{counter['reads']} reads, {counter['writes']} writes, {len(state.stale)} stale")


def _report(state: DrillState, hits: float, misses: float, reads: int) -> int:
    counter = state.counter
    failed = sum(count for status, count in counter.items() if status == "0" or status.startswith("5"))
    for read in state.stale[:5]:
        print(f"stale: {read}")
    print_table(
        [
            ("reads", "304", "cache hits", "p50", "p99", "writes", "failed writes", "failed reads", "stale"),
            (
                counter["reads"],
                counter["304"],
                f"{hits / max(1.0, hits + misses):.0%}",
                format_percentile(state.seconds, 0.5),
                format_percentile(state.seconds, 0.99),
                counter["writes"],
                counter["failed writes"],
                failed,
                len(state.stale),
            ),
        ]
    )
    return print_verdict(
        "stale",
        [
            Check(f"{len(state.stale)} stale reads", "0", not state.stale),
            Check(f"{counter['reads']} reads", f">= {reads}", counter["reads"] >= reads),
        ],
    )
