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

from drills.closed_loop import Sample, count_failed, get_request, run_requests
from drills.cluster import NODE_NAMES, Cluster, cluster
from drills.http import Connection, Response
from drills.report import Progress, print_table, print_verdict
from drills.users import create_user

REQUESTS, CONCURRENCY = 3000, 200
TASKS_PATH = "/api/v1/me/"


@dataclass(slots=True)
class RateLimitedClient:
    """Somebody of a tier; `quota` with the burst."""

    tier: str
    token: str
    quota: int
    interval: float
    admitted: int = 0
    refilled: int = 0
    first_rejection_at: float = 0.0
    wait: int = 0
    admitted_in_window: int = 0
    status_after_wait: int = 0

    @property
    def is_exact(self) -> bool:
        return self.quota <= self.admitted <= self.quota + self.refilled


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as processes:
        clients = [_create_client(tier) for tier in ("anonymous", "free", "premium")]
        return uvloop.run(_drill(processes, clients))


def _create_client(tier: str) -> RateLimitedClient:
    quota, burst = settings.RATE_LIMITS["tiers"][tier]
    token = "" if tier == "anonymous" else create_user(tier.title(), tier).token
    return RateLimitedClient(tier, token, quota + burst, settings.RATE_LIMITS["window"] / 1000 / quota)


async def _drill(processes: Cluster, clients: list[RateLimitedClient]) -> int:
    progress = Progress()
    promises = {"304 and health are free": await _check_unmetered_paths(processes)}
    for client in clients:
        await _flood(processes, client)
        progress.print_line(f"{client.tier}: {client.admitted} of {REQUESTS} admitted, Retry-After {client.wait}")
    forged = await _check_forged_tokens(processes)
    progress.print_line(f"forged X-Forwarded-For: {forged} admitted; waiting for Retry-After")
    await asyncio.gather(*(_check_retry_after(processes, client) for client in clients))
    local, broken = await _without_redis(processes)
    progress.print_line(f"Redis is gone: {local} admitted, {broken} failed")
    _print_table(clients)
    quota = sum(settings.RATE_LIMITS["tiers"]["free"])
    return print_verdict(
        "limit",
        promises
        | {
            "exactly the quota": all(client.is_exact for client in clients),
            "60 s of block": all(59 <= client.wait <= 61 and not client.admitted_in_window for client in clients),
            "Retry-After is kept": all(client.status_after_wait != 429 for client in clients),
            "a forged address gains nothing": forged == 0,
            "local limits without Redis, 0 5xx": quota // len(NODE_NAMES) <= local <= quota and broken == 0,
        },
    )


def _connections(processes: Cluster, token: str, many: int = CONCURRENCY) -> list[Connection]:
    return [Connection(("127.0.0.1", processes.port), token) for _ in range(many)]


def _count_admitted(samples: Sequence[Sample]) -> int:
    return sum(sample.answer.status not in (0, 429) and sample.answer.status < 500 for sample in samples)


async def _flood(processes: Cluster, client: RateLimitedClient) -> None:
    started = time.monotonic()
    samples = await run_requests(_connections(processes, client.token), REQUESTS, get_request(TASKS_PATH))
    client.admitted = _count_admitted(samples)
    refused = [sample for sample in samples if sample.answer.status == 429]
    ended = [sample.at + sample.answer.seconds for sample in refused]
    if not refused:
        return
    client.refilled = int((min(ended) - started) / client.interval)
    last = max(refused, key=lambda sample: sample.at + sample.answer.seconds)
    client.first_rejection_at, client.wait = max(ended), int(last.answer.headers["retry-after"])
    client.wait += round(client.first_rejection_at - min(ended))


async def _check_retry_after(processes: Cluster, client: RateLimitedClient) -> None:
    """Ask twice while the block lasts, and once when the Retry-After of the last refusal is over."""
    connection = _connections(processes, client.token, 1)[0]
    for _ in range(2):
        await asyncio.sleep(20)
        client.admitted_in_window += (await connection.send("GET", TASKS_PATH)).status != 429
    refused = await connection.send("GET", TASKS_PATH)
    wait = int(refused.headers.get("retry-after", "0"))
    await asyncio.sleep(wait - 2)
    client.admitted_in_window += (await connection.send("GET", TASKS_PATH)).status != 429
    await asyncio.sleep(2)
    client.status_after_wait = (await connection.send("GET", TASKS_PATH)).status


async def _check_forged_tokens(processes: Cluster) -> int:
    async def ask(connection: Connection, _number: int) -> Response:
        address = ".".join(str(random.randint(1, 250)) for _ in range(4))
        forged = {"X-Forwarded-For": address, "X-Real-IP": address, "Forwarded": f"for={address}"}
        return await connection.send("GET", TASKS_PATH, headers=forged)

    return _count_admitted(await run_requests(_connections(processes, "", 50), 500, ask))


async def _check_unmetered_paths(processes: Cluster) -> bool:
    token = (await asyncio.to_thread(create_user, "Frida", "free")).token
    for name in NODE_NAMES:
        first = await Connection(processes.socket(name), token).send("GET", TASKS_PATH)
    known = {"If-None-Match": first.headers["etag"]}

    async def ask(connection: Connection, number: int) -> Response:
        return await connection.send(
            "GET", TASKS_PATH if number % 2 else "/api/v1/health", headers=known if number % 2 else {}
        )

    answers = Counter(
        sample.answer.status for sample in await run_requests(_connections(processes, token, 20), 1000, ask)
    )
    last = await _connections(processes, token, 1)[0].send("GET", TASKS_PATH)
    left = int(last.headers["ratelimit"].split("r=")[1].split(";")[0])
    paid = sum(settings.RATE_LIMITS["tiers"]["free"]) - left
    return answers[304] == 500 and not answers[429] and paid <= len(NODE_NAMES) + 1


async def _without_redis(processes: Cluster) -> tuple[int, int]:
    token = (await asyncio.to_thread(create_user, "Lotte", "free")).token
    await asyncio.to_thread(processes.stop, "redis")
    samples = await run_requests(_connections(processes, token, 50), REQUESTS, get_request(TASKS_PATH))
    return _count_admitted(samples), count_failed(samples)


def _print_table(clients: list[RateLimitedClient]) -> None:
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
        (c.tier, c.quota, REQUESTS, c.admitted, c.refilled, f"{c.wait} s", c.admitted_in_window, c.status_after_wait)
        for c in clients
    ]
    print_table([head, *rows])
