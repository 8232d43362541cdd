"""A session revoked on node 1 is refused by every node on its next request, whatever happens to Redis meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop
from django.core.management import call_command

from drills.cluster import NODES, Cluster, cluster
from drills.http import Connection
from drills.people import Person, person, sign_in
from drills.report import Progress, table, verdict

SESSIONS, USES = 25, 100
PATHS = ("/api/v1/me/", "/api/v1/tasks/", "/api/v1/projects/")
Event = Callable[[Cluster], Awaitable[None]]


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as parts:
        people = [person(f"Rita{number}") for number in range(4)]
        found = uvloop.run(_drill(parts, people))
    table([("Redis", "revoked", "uses", "accepted", "refused with 401", "others"), *found])
    uses, accepted, refused = (sum(row[2] for row in found), sum(row[3] for row in found), sum(row[4] for row in found))
    return verdict("revoke", {f"0 of {uses} accepted": accepted == 0, "each refused with 401": refused == uses})


async def _drill(parts: Cluster, people: list[Person]) -> list[tuple[Any, ...]]:
    progress = Progress()
    found: list[tuple[Any, ...]] = []
    for who, (words, event, after) in zip(people, CASES, strict=True):
        answers = Counter[str]()
        tokens = [await asyncio.to_thread(sign_in, who.user) for _ in range(SESSIONS)]
        before = await asyncio.gather(*(_use(parts, token, len(NODES) * len(PATHS)) for token in tokens))
        if sum(before, Counter[str]())["accepted"] != SESSIONS * len(NODES) * len(PATHS):
            raise RuntimeError(f"the sessions were not good to begin with: {before}")
        await event(parts)
        for token in tokens:
            answers += await _revoke_and_use(parts, token)
        await after(parts)
        for token in tokens:
            answers += await _use(parts, token, USES - USES // 2)
        others = answers.total() - answers["accepted"] - answers["401"]
        found.append((words, len(tokens), answers.total(), answers["accepted"], answers["401"], others))
        progress.say(f"{words}: {answers['accepted']} of {answers.total()} accepted")
    return found


async def _revoke_and_use(parts: Cluster, token: str) -> Counter[str]:
    answer = await _node(parts, NODES[0], token).send("POST", "/api/v1/auth/logout/")
    if answer.status != 204:
        raise RuntimeError(f"not revoked: {answer}")
    return await _use(parts, token, USES // 2)


async def _use(parts: Cluster, token: str, times: int) -> Counter[str]:
    """Use the token at all nodes at once, beginning with 2 and 3; 200 and 304 mean that it was accepted."""
    counted = Counter[str]()

    async def at(number: int) -> None:
        connection = _node(parts, NODES[(number + 1) % len(NODES)], token)
        for turn in range(number, times, len(NODES)):
            answer = await connection.send("GET", PATHS[turn // len(NODES) % len(PATHS)])
            counted["accepted" if answer.status in (200, 304) else str(answer.status)] += 1
        connection.close()

    await asyncio.gather(*(at(number) for number in range(len(NODES))))
    return counted


def _node(parts: Cluster, name: str, token: str) -> Connection:
    """As nginx would pass it on; from anywhere, since one who is refused is limited by address."""
    address = ".".join(str(random.randint(1, 250)) for _ in range(4))
    return Connection(parts.socket(name), token, **{"X-Forwarded-For": address})


async def _nothing(parts: Cluster) -> None:
    return


async def _flush(parts: Cluster) -> None:
    parts.redis("FLUSHALL")


async def _kill_and_start(parts: Cluster) -> None:
    await asyncio.to_thread(parts.stop, "redis")
    await asyncio.to_thread(parts.start, "redis")


async def _freeze(parts: Cluster) -> None:
    parts.freeze("redis")


async def _thaw(parts: Cluster) -> None:
    parts.thaw("redis")


CASES: tuple[tuple[str, Event, Event], ...] = (
    ("all is well", _nothing, _nothing),
    ("FLUSHALL after the revocation", _nothing, _flush),
    ("kill -9 after the revocation", _nothing, _kill_and_start),
    ("frozen while they are revoked", _freeze, _thaw),
)
