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

from drills.cluster import NODE_NAMES, Cluster, cluster
from drills.http import Connection
from drills.report import Progress, print_table, print_verdict
from drills.users import SignedInUser, create_user, issue_access_token

SESSION_COUNT, USES_PER_NODE = 25, 100
PATHS = ("/api/v1/me/", "/api/v1/tasks/", "/api/v1/projects/")
Fault = Callable[[Cluster], Awaitable[None]]


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as processes:
        people = [create_user(f"Rita{number}") for number in range(4)]
        found = uvloop.run(_drill(processes, people))
    print_table([("Redis", "revoked", "uses", "accepted", "refused with 401", "others"), *found])
    uses, accepted, refused = (sum(row[2] for row in found), sum(row[3] for row in found), sum(row[4] for row in found))
    return print_verdict("revoke", {f"0 of {uses} accepted": accepted == 0, "each refused with 401": refused == uses})


async def _drill(processes: Cluster, people: list[SignedInUser]) -> list[tuple[Any, ...]]:
    progress = Progress()
    found: list[tuple[Any, ...]] = []
    for who, (words, event, after) in zip(people, FAULTS, strict=True):
        answers = Counter[str]()
        tokens = [await asyncio.to_thread(issue_access_token, who.user) for _ in range(SESSION_COUNT)]
        before = await asyncio.gather(*(_use_token(processes, token, len(NODE_NAMES) * len(PATHS)) for token in tokens))
        if sum(before, Counter[str]())["accepted"] != SESSION_COUNT * len(NODE_NAMES) * len(PATHS):
            raise RuntimeError(f"the sessions were not good to begin with: {before}")
        await event(processes)
        for token in tokens:
            answers += await _revoke_and_use(processes, token)
        await after(processes)
        for token in tokens:
            answers += await _use_token(processes, token, USES_PER_NODE - USES_PER_NODE // 2)
        others = answers.total() - answers["accepted"] - answers["401"]
        found.append((words, len(tokens), answers.total(), answers["accepted"], answers["401"], others))
        progress.print_line(f"{words}: {answers['accepted']} of {answers.total()} accepted")
    return found


async def _revoke_and_use(processes: Cluster, token: str) -> Counter[str]:
    answer = await _node_connection(processes, NODE_NAMES[0], token).send("POST", "/api/v1/auth/logout/")
    if answer.status != 204:
        raise RuntimeError(f"not revoked: {answer}")
    return await _use_token(processes, token, USES_PER_NODE // 2)


async def _use_token(processes: Cluster, token: str, times: int) -> Counter[str]:
    """Use the token at all nodes at once, beginning with 2 and 3; 200 and 304 mean that it was accepted."""
    counted = Counter[str]()

    async def at(number: int) -> None:
        connection = _node_connection(processes, NODE_NAMES[(number + 1) % len(NODE_NAMES)], token)
        for turn in range(number, times, len(NODE_NAMES)):
            answer = await connection.send("GET", PATHS[turn // len(NODE_NAMES) % len(PATHS)])
            counted["accepted" if answer.status in (200, 304) else str(answer.status)] += 1
        connection.close()

    await asyncio.gather(*(at(number) for number in range(len(NODE_NAMES))))
    return counted


def _node_connection(processes: Cluster, name: str, token: str) -> Connection:
    """As nginx would pass it on; from anywhere, since one who is refused is limited by address."""
    address = ".".join(str(random.randint(1, 250)) for _ in range(4))
    return Connection(processes.socket(name), token, **{"X-Forwarded-For": address})


async def _no_fault(processes: Cluster) -> None:
    return


async def _flush_redis(processes: Cluster) -> None:
    processes.redis("FLUSHALL")


async def _restart_redis(processes: Cluster) -> None:
    await asyncio.to_thread(processes.stop, "redis")
    await asyncio.to_thread(processes.start, "redis")


async def _freeze_redis(processes: Cluster) -> None:
    processes.freeze("redis")


async def _thaw_redis(processes: Cluster) -> None:
    processes.thaw("redis")


FAULTS: tuple[tuple[str, Fault, Fault], ...] = (
    ("all is well", _no_fault, _no_fault),
    ("FLUSHALL after the revocation", _no_fault, _flush_redis),
    ("kill -9 after the revocation", _no_fault, _restart_redis),
    ("frozen while they are revoked", _freeze_redis, _thaw_redis),
)
