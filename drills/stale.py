"""No stale answer: readers on three nodes check every answer against what answered writes demand.

Readers and writers are the same people, in projects they share. A read that starts after a write was answered must
show at least that write, whoever wrote and whichever node answers; and that while Redis is emptied, killed and frozen.
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
from drills.http import Connection, Response
from drills.report import Progress, format_percentile, print_table, print_verdict
from drills.users import SignedInUser, create_shared_project, create_user

READ_COUNT = 100_000
MIN_DURATION, MAX_DURATION = 60.0, 360.0
PROJECT_COUNT, USER_COUNT, MEMBER_COUNT, TASK_COUNT = 6, 12, 3, 6
READER_COUNT, WRITER_COUNT = 24, 4
HOT_TASK_COUNT = 2
WRITE_INTERVAL = 0.25
MISSES_METRIC, HITS_METRIC = (f'gateway_cache_lookups_total{{outcome="{word}"}}' for word in ("miss", "hit"))


@dataclass(slots=True)
class DrillState:
    processes: Cluster
    models: list[Model]
    progress: Progress
    counter: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    stopped: bool = False

    def connect(self, who: SignedInUser) -> Connection:
        return Connection(("127.0.0.1", self.processes.port), who.token)


def run(folder: Path, reads: str = str(READ_COUNT)) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as processes:
        world = DrillState(processes, _create_models(), Progress())
        hits, misses = uvloop.run(_drill(world, int(reads)))
    return _report(world, hits, misses, int(reads))


def _create_models() -> list[Model]:
    people = [create_user(f"Person{number}") for number in range(USER_COUNT)]
    models = []
    for number in range(PROJECT_COUNT):
        chosen = [people[(number * 2 + step) % USER_COUNT] for step in range(MEMBER_COUNT)]
        project = create_shared_project(f"Shelf {number}", *chosen)
        models.append(Model(project.key, chosen, guest=create_user(f"Guest{number}")))
    return models


async def _drill(world: DrillState, reads: int) -> tuple[float, float]:
    for model in world.models:
        connection = world.connect(model.people[0])
        for _ in range(TASK_COUNT):
            await _create_task(world, model, connection)
    async with asyncio.TaskGroup() as group:
        for number in range(READER_COUNT):
            group.create_task(_read_loop(world, world.models[number % PROJECT_COUNT], number))
        for _ in range(WRITER_COUNT):
            group.create_task(_write_loop(world))
        group.create_task(_report_progress(world))
        await _inject_faults(world)
        while world.counter["reads"] < reads and world.progress.seconds < MAX_DURATION:
            await asyncio.sleep(0.2)
        world.stopped = True
    return await world.processes.counter(HITS_METRIC), await world.processes.counter(MISSES_METRIC)


# --- readers -------------------------------------------------------------------------------------


async def _read_loop(world: DrillState, model: Model, number: int) -> None:
    """Read as one person, mostly the same few addresses, half of the time with the ETag of the last answer."""
    who = model.guest if number >= READER_COUNT - PROJECT_COUNT else model.people[number % MEMBER_COUNT]
    reader = Reader(world, model, who, world.connect(who))
    while not world.stopped:
        await reader.read()


@dataclass(slots=True)
class Reader:
    world: DrillState
    model: Model
    who: SignedInUser
    connection: Connection
    known: dict[str, tuple[str, Any]] = field(default_factory=dict)

    async def read(self) -> None:
        draw = random.random()
        task = random.choice(list(self.model.versions)[:HOT_TASK_COUNT])
        if self.who is self.model.guest or draw < 0.6:
            await self.check(f"/api/v1/tasks/?project={self.model.key}&limit=100")
        elif draw < 0.99:
            await self.check(f"/api/v1/tasks/{task}/", task)
        else:
            await self.check(f"/api/v1/tasks/stats/?project={self.model.key}")

    async def check(self, url: str, task: str = "") -> None:
        expectation = self.model.expectation(task)
        tag, body = self.known.get(url, ("", None))
        headers = {"If-None-Match": tag} if tag and random.random() < 0.5 else {}
        answer = await self.connection.send("GET", url, headers=headers)
        if answer.status == 200:
            body = answer.json()
            self.known[url] = (answer.headers.get("etag", ""), body)
        self.world.counter["reads"] += 1
        self.world.counter[f"{answer.status}"] += 1
        self.world.seconds.append(answer.seconds)
        if answer.status in (200, 304, 404) and not self.is_met(expectation, url, task, answer, body):
            self.world.stale.append(f"{self.world.progress.seconds:.2f} s {url} {self.who.user.name}")

    def is_met(self, expectation: Expectation, url: str, task: str, answer: Response, body: Any) -> bool:
        if task:
            return expectation.matches_task(200 if answer.status == 304 else answer.status, body or {})
        if "stats" in url:
            return expectation.matches_count(body["total"])
        if self.who is self.model.guest:
            return expectation.matches_guest_list(body["results"])
        return expectation.matches_list(body["results"])


# --- writers -------------------------------------------------------------------------------------


async def _write_loop(world: DrillState) -> None:
    """Write as anybody anywhere, then read at once: as the writer, and as somebody who shares the project."""
    while not world.stopped:
        model = random.choice(world.models)
        writer, other = random.sample(model.people, 2)
        connection = world.connect(writer)
        task = await _write_random(world, model, connection)
        for who in (writer, other):
            reader = Reader(world, model, who, world.connect(who))
            await reader.check(f"/api/v1/tasks/?project={model.key}&limit=100")
            if task in model.versions:
                await reader.check(f"/api/v1/tasks/{task}/", task)
            reader.connection.close()
        connection.close()
        await asyncio.sleep(WRITE_INTERVAL * random.random() * 2)


async def _write_random(world: DrillState, model: Model, connection: Connection) -> str:
    draw = random.random()
    if draw < 0.1 and not model.pending_changes:
        await _toggle_guest_membership(world, model)
    elif draw < 0.2 and len(model.versions) > TASK_COUNT // 2:
        await _delete_task(world, model, connection)
    elif draw < 0.3 and len(model.versions) < TASK_COUNT * 2:
        return await _create_task(world, model, connection)
    else:
        return await _rename_task(world, model, connection)
    return ""


def _record_write(world: DrillState, answer: Response) -> Response:
    world.counter["writes"] += 1
    world.counter["failed writes"] += answer.status == 0 or answer.status >= 500
    return answer


async def _create_task(world: DrillState, model: Model, connection: Connection) -> str:
    model.begin_change()
    body = {"title": f"Task {random.random()}", "project": model.key}
    answer = _record_write(world, await connection.send("POST", "/api/v1/tasks/", body))
    if answer.status != 201:  # nobody knows whether it was made: counts of this project are judged no more
        return ""
    model.pending_changes -= 1
    made: str = answer.json()["id"]
    model.record_write(made, 1)
    return made


async def _rename_task(world: DrillState, model: Model, connection: Connection) -> str:
    task = random.choice(list(model.versions))
    answer = _record_write(
        world, await connection.send("PATCH", f"/api/v1/tasks/{task}/", {"title": f"{random.random()}"})
    )
    if answer.status == 200 and task in model.versions:
        model.record_write(task, answer.json()["version"])
    return task


async def _delete_task(world: DrillState, model: Model, connection: Connection) -> None:
    model.begin_change()
    task = random.choice(list(model.versions))
    del model.versions[task]
    model.being_deleted.add(task)
    if _record_write(world, await connection.send("DELETE", f"/api/v1/tasks/{task}/")).status == 204:
        model.deleted.add(task)
        model.pending_changes -= 1


async def _toggle_guest_membership(world: DrillState, model: Model) -> None:
    model.begin_change()
    owner = world.connect(model.people[0])
    members, guest = f"/api/v1/projects/{model.key}/members/", str(model.guest.user.pk)
    if model.guest_is_member:
        answer = _record_write(world, await owner.send("DELETE", f"{members}{guest}/"))
    else:
        answer = _record_write(world, await owner.send("POST", members, {"user": guest, "role": "viewer"}))
    if answer.status in (201, 204):
        model.guest_is_member = not model.guest_is_member
        model.pending_changes -= 1
    owner.close()


# --- what happens to Redis -----------------------------------------------------------------------


async def _inject_faults(world: DrillState) -> None:
    processes, print_line = world.processes, world.progress.print_line
    await _sleep_until(world, 10)
    print_line("Redis is emptied")
    processes.redis("FLUSHALL")
    await _sleep_until(world, 18)
    print_line("Redis is killed and started at once")
    await asyncio.to_thread(processes.stop, "redis")
    await asyncio.to_thread(processes.start, "redis")
    await _sleep_until(world, 27)
    print_line("Redis is killed for 3 s")
    await asyncio.to_thread(processes.stop, "redis")
    await asyncio.sleep(3)
    await asyncio.to_thread(processes.start, "redis")
    for moment, seconds in ((38, 5.0), (48, 1.0)):
        await _sleep_until(world, moment)
        print_line(f"Redis is frozen for {seconds:.0f} s")
        processes.freeze("redis")
        await asyncio.sleep(seconds)
        processes.thaw("redis")
    await _sleep_until(world, 54)
    print_line("Redis is emptied")
    processes.redis("FLUSHALL")
    await _sleep_until(world, MIN_DURATION)


async def _sleep_until(world: DrillState, moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - world.progress.seconds))


async def _report_progress(world: DrillState) -> None:
    while not world.stopped:
        await asyncio.sleep(5)
        counter = world.counter
        world.progress.print_line(f"{counter['reads']} reads, {counter['writes']} writes, {len(world.stale)} stale")


def _report(world: DrillState, hits: float, misses: float, reads: int) -> int:
    counter = world.counter
    failed = sum(count for status, count in counter.items() if status == "0" or status.startswith("5"))
    for words in world.stale[:5]:
        print(f"stale: {words}")
    print_table(
        [
            ("reads", "of them 304", "hits", "p50", "p99", "writes", "failed writes", "failed reads", "stale"),
            (
                counter["reads"],
                counter["304"],
                f"{hits / max(1.0, hits + misses):.0%}",
                format_percentile(world.seconds, 0.5),
                format_percentile(world.seconds, 0.99),
                counter["writes"],
                counter["failed writes"],
                failed,
                len(world.stale),
            ),
        ]
    )
    return print_verdict("stale", {"stale = 0": not world.stale, f"at least {reads} reads": counter["reads"] >= reads})
