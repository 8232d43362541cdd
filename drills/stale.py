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
from drills.http import Answer, Connection
from drills.ledger import Demand, Shelf
from drills.people import Person, person, shared_project
from drills.report import Progress, milliseconds, table, verdict

READS = 100_000
SECONDS, LONGEST = 60.0, 360.0
PROJECTS, PEOPLE, MEMBERS, TASKS = 6, 12, 3, 6
READERS, WRITERS = 24, 4
FAVOURITES = 2
REST = 0.25
MISSES, HITS = (f'gateway_cache_lookups_total{{outcome="{word}"}}' for word in ("miss", "hit"))


@dataclass(slots=True)
class World:
    parts: Cluster
    shelves: list[Shelf]
    progress: Progress
    counted: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    over: bool = False

    def connect(self, who: Person) -> Connection:
        return Connection(("127.0.0.1", self.parts.port), who.token)


def run(folder: Path, reads: str = str(READS)) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as parts:
        world = World(parts, _shelves(), Progress())
        hits, misses = uvloop.run(_drill(world, int(reads)))
    return _report(world, hits, misses, int(reads))


def _shelves() -> list[Shelf]:
    people = [person(f"Person{number}") for number in range(PEOPLE)]
    shelves = []
    for number in range(PROJECTS):
        chosen = [people[(number * 2 + step) % PEOPLE] for step in range(MEMBERS)]
        project = shared_project(f"Shelf {number}", *chosen)
        shelves.append(Shelf(project.key, chosen, guest=person(f"Guest{number}")))
    return shelves


async def _drill(world: World, reads: int) -> tuple[float, float]:
    for shelf in world.shelves:
        connection = world.connect(shelf.people[0])
        for _ in range(TASKS):
            await create(world, shelf, connection)
    async with asyncio.TaskGroup() as group:
        for number in range(READERS):
            group.create_task(_read_on(world, world.shelves[number % PROJECTS], number))
        for _ in range(WRITERS):
            group.create_task(_write_on(world))
        group.create_task(_watch(world))
        await _faults(world)
        while world.counted["reads"] < reads and world.progress.seconds < LONGEST:
            await asyncio.sleep(0.2)
        world.over = True
    return await world.parts.counted(HITS), await world.parts.counted(MISSES)


# --- readers -------------------------------------------------------------------------------------


async def _read_on(world: World, shelf: Shelf, number: int) -> None:
    """Read as one person, mostly the same few addresses, half of the time with the ETag of the last answer."""
    who = shelf.guest if number >= READERS - PROJECTS else shelf.people[number % MEMBERS]
    reader = Reader(world, shelf, who, world.connect(who))
    while not world.over:
        await reader.read()


@dataclass(slots=True)
class Reader:
    world: World
    shelf: Shelf
    who: Person
    connection: Connection
    known: dict[str, tuple[str, Any]] = field(default_factory=dict)

    async def read(self) -> None:
        draw = random.random()
        task = random.choice(list(self.shelf.versions)[:FAVOURITES])
        if self.who is self.shelf.guest or draw < 0.6:
            await self.check(f"/api/v1/tasks/?project={self.shelf.key}&limit=100")
        elif draw < 0.99:
            await self.check(f"/api/v1/tasks/{task}/", task)
        else:
            await self.check(f"/api/v1/tasks/stats/?project={self.shelf.key}")

    async def check(self, url: str, task: str = "") -> None:
        demand = self.shelf.demand(task)
        tag, body = self.known.get(url, ("", None))
        headers = {"If-None-Match": tag} if tag and random.random() < 0.5 else {}
        answer = await self.connection.send("GET", url, headers=headers)
        if answer.status == 200:
            body = answer.json()
            self.known[url] = (answer.headers.get("etag", ""), body)
        self.world.counted["reads"] += 1
        self.world.counted[f"{answer.status}"] += 1
        self.world.seconds.append(answer.seconds)
        if answer.status in (200, 304, 404) and not self.meets(demand, url, task, answer, body):
            self.world.stale.append(f"{self.world.progress.seconds:.2f} s {url} {self.who.user.name}")

    def meets(self, demand: Demand, url: str, task: str, answer: Answer, body: Any) -> bool:
        if task:
            return demand.met_by_task(200 if answer.status == 304 else answer.status, body or {})
        if "stats" in url:
            return demand.met_by_count(body["total"])
        if self.who is self.shelf.guest:
            return demand.met_by_guests_list(body["results"])
        return demand.met_by_list(body["results"])


# --- writers -------------------------------------------------------------------------------------


async def _write_on(world: World) -> None:
    """Write as anybody anywhere, then read at once: as the writer, and as somebody who shares the project."""
    while not world.over:
        shelf = random.choice(world.shelves)
        writer, other = random.sample(shelf.people, 2)
        connection = world.connect(writer)
        task = await _write_something(world, shelf, connection)
        for who in (writer, other):
            reader = Reader(world, shelf, who, world.connect(who))
            await reader.check(f"/api/v1/tasks/?project={shelf.key}&limit=100")
            if task in shelf.versions:
                await reader.check(f"/api/v1/tasks/{task}/", task)
            reader.connection.close()
        connection.close()
        await asyncio.sleep(REST * random.random() * 2)


async def _write_something(world: World, shelf: Shelf, connection: Connection) -> str:
    draw = random.random()
    if draw < 0.1 and not shelf.busy:
        await _let_the_guest_in_or_out(world, shelf)
    elif draw < 0.2 and len(shelf.versions) > TASKS // 2:
        await _delete(world, shelf, connection)
    elif draw < 0.3 and len(shelf.versions) < TASKS * 2:
        return await create(world, shelf, connection)
    else:
        return await _rename(world, shelf, connection)
    return ""


def _noted(world: World, answer: Answer) -> Answer:
    world.counted["writes"] += 1
    world.counted["failed writes"] += answer.status == 0 or answer.status >= 500
    return answer


async def create(world: World, shelf: Shelf, connection: Connection) -> str:
    shelf.begin()
    body = {"title": f"Task {random.random()}", "project": shelf.key}
    answer = _noted(world, await connection.send("POST", "/api/v1/tasks/", body))
    if answer.status != 201:  # nobody knows whether it was made: counts of this project are judged no more
        return ""
    shelf.busy -= 1
    made: str = answer.json()["id"]
    shelf.wrote(made, 1)
    return made


async def _rename(world: World, shelf: Shelf, connection: Connection) -> str:
    task = random.choice(list(shelf.versions))
    answer = _noted(world, await connection.send("PATCH", f"/api/v1/tasks/{task}/", {"title": f"{random.random()}"}))
    if answer.status == 200 and task in shelf.versions:
        shelf.wrote(task, answer.json()["version"])
    return task


async def _delete(world: World, shelf: Shelf, connection: Connection) -> None:
    shelf.begin()
    task = random.choice(list(shelf.versions))
    del shelf.versions[task]
    shelf.leaving.add(task)
    if _noted(world, await connection.send("DELETE", f"/api/v1/tasks/{task}/")).status == 204:
        shelf.gone.add(task)
        shelf.busy -= 1


async def _let_the_guest_in_or_out(world: World, shelf: Shelf) -> None:
    shelf.begin()
    owner = world.connect(shelf.people[0])
    members, guest = f"/api/v1/projects/{shelf.key}/members/", str(shelf.guest.user.pk)
    if shelf.guest_is_in:
        answer = _noted(world, await owner.send("DELETE", f"{members}{guest}/"))
    else:
        answer = _noted(world, await owner.send("POST", members, {"user": guest, "role": "viewer"}))
    if answer.status in (201, 204):
        shelf.guest_is_in = not shelf.guest_is_in
        shelf.busy -= 1
    owner.close()


# --- what happens to Redis -----------------------------------------------------------------------


async def _faults(world: World) -> None:
    parts, say = world.parts, world.progress.say
    await _until(world, 10)
    say("Redis is emptied")
    parts.redis("FLUSHALL")
    await _until(world, 18)
    say("Redis is killed and started at once")
    await asyncio.to_thread(parts.stop, "redis")
    await asyncio.to_thread(parts.start, "redis")
    await _until(world, 27)
    say("Redis is killed for 3 s")
    await asyncio.to_thread(parts.stop, "redis")
    await asyncio.sleep(3)
    await asyncio.to_thread(parts.start, "redis")
    for moment, seconds in ((38, 5.0), (48, 1.0)):
        await _until(world, moment)
        say(f"Redis is frozen for {seconds:.0f} s")
        parts.freeze("redis")
        await asyncio.sleep(seconds)
        parts.thaw("redis")
    await _until(world, 54)
    say("Redis is emptied")
    parts.redis("FLUSHALL")
    await _until(world, SECONDS)


async def _until(world: World, moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - world.progress.seconds))


async def _watch(world: World) -> None:
    while not world.over:
        await asyncio.sleep(5)
        counted = world.counted
        world.progress.say(f"{counted['reads']} reads, {counted['writes']} writes, {len(world.stale)} stale")


def _report(world: World, hits: float, misses: float, reads: int) -> int:
    counted = world.counted
    failed = sum(count for status, count in counted.items() if status == "0" or status.startswith("5"))
    for words in world.stale[:5]:
        print(f"stale: {words}")
    table(
        [
            ("reads", "of them 304", "hits", "p50", "p99", "writes", "failed writes", "failed reads", "stale"),
            (
                counted["reads"],
                counted["304"],
                f"{hits / max(1.0, hits + misses):.0%}",
                milliseconds(world.seconds, 0.5),
                milliseconds(world.seconds, 0.99),
                counted["writes"],
                counted["failed writes"],
                failed,
                len(world.stale),
            ),
        ]
    )
    return verdict("stale", {"stale = 0": not world.stale, f"at least {reads} reads": counted["reads"] >= reads})
