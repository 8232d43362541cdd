"""Redis is a cache that may vanish: killed, frozen and flushed under load, no read and no write fails because of it."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop
from django.core.management import call_command

from drills.cluster import Cluster, cluster
from drills.http import Answer, Connection
from drills.load import Ask, Load, failed, fetch, seconds
from drills.people import Person, person, shared_project
from drills.report import Progress, milliseconds, percentile, table, verdict

CALM, BACK_WITHIN = 6.0, 5.0
KILLED, FROZEN = 5.0, 30.0
READERS, WRITERS, PAUSE = 8, 2, 0.02


@dataclass(slots=True)
class Episode:
    """What was done to Redis, and when it was there again."""

    name: str
    began: float
    returned: float
    ended: float = 0.0


def run(folder: Path, frozen: str = str(FROZEN)) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as parts:
        reader, writer = person("Rosa"), person("Wanda")
        project = shared_project("Drill", writer, reader)
        return uvloop.run(_drill(parts, reader, writer, project.key, float(frozen)))


async def _drill(parts: Cluster, reader: Person, writer: Person, project: str, frozen: float) -> int:
    address = ("127.0.0.1", parts.port)
    url = f"/api/v1/tasks/?project={project}"
    reads = Load(fetch(url), [Connection(address, reader.token) for _ in range(READERS)], PAUSE)
    writes = Load(_creating(project), [Connection(address, writer.token) for _ in range(WRITERS)], 5 * PAUSE)
    progress = Progress()
    reads.start()
    writes.start()
    await asyncio.sleep(2)
    began = time.monotonic()
    await asyncio.sleep(CALM)
    normal = Episode("calm", began, began, time.monotonic())
    episodes = [normal]
    for name, away in (("killed", KILLED), ("frozen", frozen), ("flushed", 0.0)):
        episodes.append(await _episode(parts, name, away))
        progress.say(f"{name}: {len(reads.samples)} reads, {len(writes.samples)} writes so far")
    await reads.stop()
    await writes.stop()
    return _report(reads, writes, episodes)


def _creating(project: str) -> Ask:
    keys = itertools.count()

    async def ask(connection: Connection, _number: int) -> Answer:
        body = {"title": f"Task {next(keys)}", "project": project}
        return await connection.send("POST", "/api/v1/tasks/", body)

    return ask


async def _episode(parts: Cluster, name: str, away: float) -> Episode:
    began = time.monotonic()
    if name == "killed":
        await asyncio.to_thread(parts.stop, "redis")
        await asyncio.sleep(away)
        await asyncio.to_thread(parts.start, "redis")
    elif name == "frozen":
        parts.freeze("redis")
        await asyncio.sleep(away)
        parts.thaw("redis")
    else:
        parts.redis("FLUSHALL")
    returned = time.monotonic()
    await asyncio.sleep(CALM + 1)
    return Episode(name, began, returned, time.monotonic())


def _report(reads: Load, writes: Load, episodes: list[Episode]) -> int:
    head = ("Redis", "reads", "p50", "p99", "writes", "p50", "slowest", "5xx", "normal again after")
    calm = episodes[0]
    backs = [max(_back_after(load, calm, episode) for load in (reads, writes)) for episode in episodes]
    table([head, *(_line(reads, writes, *pair) for pair in zip(episodes, backs, strict=True))])
    samples = [*reads.samples, *writes.samples]
    broken = failed(samples)
    refused = sum(sample.answer.status not in (200, 201) for sample in samples) - broken
    return verdict(
        "redis",
        {
            f"0 5xx of {len(samples)}": broken == 0,
            "nothing refused": refused == 0,
            f"latency back within {BACK_WITHIN:.0f} s": max(backs) <= BACK_WITHIN,
        },
    )


def _line(reads: Load, writes: Load, episode: Episode, back: float) -> tuple[object, ...]:
    read, written = (load.between(episode.began, episode.ended) for load in (reads, writes))
    return (
        episode.name,
        len(read),
        milliseconds(seconds(read), 0.5),
        milliseconds(seconds(read), 0.99),
        len(written),
        milliseconds(seconds(written), 0.5),
        milliseconds(seconds(written), 1),
        failed([*read, *written]),
        f"{back:.1f} s",
    )


def _back_after(load: Load, calm: Episode, episode: Episode) -> float:
    """Seconds from Redis' return to the end of the last half second in which answers were slower than usual."""
    slow = 2 * percentile(seconds(load.between(calm.began, calm.ended)), 0.9) + 0.02
    back = 0.0
    moment = episode.returned
    while moment + 0.5 <= episode.ended:
        if percentile(seconds(load.between(moment, moment + 0.5)), 0.5) > slow:
            back = moment + 0.5 - episode.returned
        moment += 0.5
    return back
