"""The limit is exact: 3,000 requests at concurrency 200 over three nodes, for each tier.

Admitted is the quota and the burst, and what flows back into the bucket until the first refusal; then 60 s nothing;
and one who waits for Retry-After succeeds. A forged X-Forwarded-For, health and 304 change nothing. Without Redis
each node admits its share.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop
from django.conf import settings
from django.core.management import call_command

from drills.cluster import NODES, Cluster, cluster
from drills.http import Answer, Connection
from drills.load import Sample, at_once, failed, fetch
from drills.people import person
from drills.report import Progress, table, verdict

REQUESTS, CONCURRENCY = 3000, 200
PATH = "/api/v1/me/"


@dataclass(slots=True)
class Caller:
    """Somebody of a tier; `quota` with the burst."""

    tier: str
    token: str
    quota: int
    interval: float
    admitted: int = 0
    refilled: int = 0
    refused_at: float = 0.0
    wait: int = 0
    in_block: int = 0
    after_wait: int = 0

    @property
    def is_exact(self) -> bool:
        return self.quota <= self.admitted <= self.quota + self.refilled


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as parts:
        callers = [_caller(tier) for tier in ("anonymous", "free", "premium")]
        return uvloop.run(_drill(parts, callers))


def _caller(tier: str) -> Caller:
    quota, burst = settings.RATE_LIMITS["tiers"][tier]
    token = "" if tier == "anonymous" else person(tier.title(), tier).token
    return Caller(tier, token, quota + burst, settings.RATE_LIMITS["window"] / 1000 / quota)


async def _drill(parts: Cluster, callers: list[Caller]) -> int:
    progress = Progress()
    promises = {"304 and health are free": await _free_things_are_free(parts)}
    for caller in callers:
        await _flood(parts, caller)
        progress.say(f"{caller.tier}: {caller.admitted} of {REQUESTS} admitted, Retry-After {caller.wait}")
    forged = await _forge(parts)
    progress.say(f"forged X-Forwarded-For: {forged} admitted; waiting for Retry-After")
    await asyncio.gather(*(_wait_and_try(parts, caller) for caller in callers))
    local, broken = await _without_redis(parts)
    progress.say(f"Redis is gone: {local} admitted, {broken} failed")
    _table(callers)
    quota = sum(settings.RATE_LIMITS["tiers"]["free"])
    return verdict(
        "limit",
        promises
        | {
            "exactly the quota": all(caller.is_exact for caller in callers),
            "60 s of block": all(59 <= caller.wait <= 61 and not caller.in_block for caller in callers),
            "Retry-After is kept": all(caller.after_wait != 429 for caller in callers),
            "a forged address gains nothing": forged == 0,
            "local limits without Redis, 0 5xx": quota // len(NODES) <= local <= quota and broken == 0,
        },
    )


def _connections(parts: Cluster, token: str, many: int = CONCURRENCY) -> list[Connection]:
    return [Connection(("127.0.0.1", parts.port), token) for _ in range(many)]


def _admitted(samples: Sequence[Sample]) -> int:
    return sum(sample.answer.status not in (0, 429) and sample.answer.status < 500 for sample in samples)


async def _flood(parts: Cluster, caller: Caller) -> None:
    started = time.monotonic()
    samples = await at_once(_connections(parts, caller.token), REQUESTS, fetch(PATH))
    caller.admitted = _admitted(samples)
    refused = [sample for sample in samples if sample.answer.status == 429]
    ended = [sample.at + sample.answer.seconds for sample in refused]
    if not refused:
        return
    caller.refilled = int((min(ended) - started) / caller.interval)
    last = max(refused, key=lambda sample: sample.at + sample.answer.seconds)
    caller.refused_at, caller.wait = max(ended), int(last.answer.headers["retry-after"])
    caller.wait += round(caller.refused_at - min(ended))


async def _wait_and_try(parts: Cluster, caller: Caller) -> None:
    """Ask twice while the block lasts, and once when the Retry-After of the last refusal is over."""
    connection = _connections(parts, caller.token, 1)[0]
    for _ in range(2):
        await asyncio.sleep(20)
        caller.in_block += (await connection.send("GET", PATH)).status != 429
    refused = await connection.send("GET", PATH)
    wait = int(refused.headers.get("retry-after", "0"))
    await asyncio.sleep(wait - 2)
    caller.in_block += (await connection.send("GET", PATH)).status != 429
    await asyncio.sleep(2)
    caller.after_wait = (await connection.send("GET", PATH)).status


async def _forge(parts: Cluster) -> int:
    async def ask(connection: Connection, _number: int) -> Answer:
        address = ".".join(str(random.randint(1, 250)) for _ in range(4))
        forged = {"X-Forwarded-For": address, "X-Real-IP": address, "Forwarded": f"for={address}"}
        return await connection.send("GET", PATH, headers=forged)

    return _admitted(await at_once(_connections(parts, "", 50), 500, ask))


async def _free_things_are_free(parts: Cluster) -> bool:
    token = (await asyncio.to_thread(person, "Frida", "free")).token
    for name in NODES:
        first = await Connection(parts.socket(name), token).send("GET", PATH)
    known = {"If-None-Match": first.headers["etag"]}

    async def ask(connection: Connection, number: int) -> Answer:
        return await connection.send(
            "GET", PATH if number % 2 else "/api/v1/health", headers=known if number % 2 else {}
        )

    answers = Counter(sample.answer.status for sample in await at_once(_connections(parts, token, 20), 1000, ask))
    last = await _connections(parts, token, 1)[0].send("GET", PATH)
    left = int(last.headers["ratelimit"].split("r=")[1].split(";")[0])
    paid = sum(settings.RATE_LIMITS["tiers"]["free"]) - left
    return answers[304] == 500 and not answers[429] and paid <= len(NODES) + 1


async def _without_redis(parts: Cluster) -> tuple[int, int]:
    token = (await asyncio.to_thread(person, "Lotte", "free")).token
    await asyncio.to_thread(parts.stop, "redis")
    samples = await at_once(_connections(parts, token, 50), REQUESTS, fetch(PATH))
    return _admitted(samples), failed(samples)


def _table(callers: list[Caller]) -> None:
    head = (
        "tier",
        "quota + burst",
        "requests",
        "admitted",
        "back in the bucket",
        "block",
        "in it",
        "after Retry-After",
    )
    rows = [
        (c.tier, c.quota, REQUESTS, c.admitted, c.refilled, f"{c.wait} s", c.in_block, c.after_wait) for c in callers
    ]
    table([head, *rows])
