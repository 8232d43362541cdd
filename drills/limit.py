"""Rate limits are exact: 3,000 requests from 200 connections over three nodes, for each tier.

The nodes together admit the quota, the burst, and what flows back into the bucket until the first 429; then nothing for
60 s; and a client that waits for Retry-After succeeds. A forged X-Forwarded-For gains nothing; health and 304 responses
are free. Without Redis, each node admits its share.
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
from drills.report import Check, Progress, print_table, print_verdict
from drills.users import create_user

REQUESTS, CONCURRENCY = 3000, 200
PATH = "/api/v1/me/"


@dataclass(slots=True)
class RateLimitedClient:
    """A client of one tier and what it was admitted; `quota` includes the burst."""

    tier: str
    token: str
    quota: int
    interval: float
    admitted: int = 0
    shed: int = 0
    """Responses 503: the nodes were overloaded, so the drill says nothing about the limit."""
    refilled: int = 0
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
    free_paths_ok = await _check_free_requests(processes)
    for client in clients:
        await _flood(processes, client)
        progress.print_line(f"{client.tier}: {client.admitted} of {REQUESTS} admitted, Retry-After {client.wait}")
    forged = await _count_admitted_with_forged_addresses(processes)
    progress.print_line(f"forged X-Forwarded-For: {forged} admitted; waiting for Retry-After")
    await asyncio.gather(*(_check_retry_after(processes, client) for client in clients))
    local, failed = await _flood_without_redis(processes)
    progress.print_line(f"without Redis: {local} admitted, {failed} failed")
    _print_table(clients)
    quota = sum(settings.RATE_LIMITS["tiers"]["free"])
    waits = sorted(client.wait for client in clients)
    in_window = sum(client.admitted_in_window for client in clients)
    too_early = sum(client.status_after_wait == 429 for client in clients)
    share = quota // len(NODE_NAMES)
    return print_verdict(
        "limit",
        [
            Check(f"304 responses and health checks are free: {free_paths_ok}", "True", free_paths_ok),
            *(
                Check(
                    f"{client.admitted} admitted of tier {client.tier}",
                    f"{client.quota} to {client.quota + client.refilled}",
                    client.is_exact,
                )
                for client in clients
            ),
            Check(f"blocked for {waits[0]} to {waits[-1]} s", "59 to 61 s", all(59 <= wait <= 61 for wait in waits)),
            Check(f"{in_window} admitted while blocked", "0", in_window == 0),
            Check(f"{too_early} blocked after Retry-After", "0", too_early == 0),
            Check(f"{forged} admitted with a forged address", "0", forged == 0),
            Check(f"{local} admitted without Redis", f"{share} to {quota}", share <= local <= quota),
            Check(f"{failed} failed without Redis", "0", failed == 0),
        ],
    )


def _connections(processes: Cluster, token: str, count: int = CONCURRENCY) -> list[Connection]:
    return [Connection(("127.0.0.1", processes.port), token) for _ in range(count)]


def _count_admitted(samples: Sequence[Sample]) -> int:
    return sum(sample.response.status not in (0, 429) and sample.response.status < 500 for sample in samples)


async def _flood(processes: Cluster, client: RateLimitedClient) -> None:
    started = time.monotonic()
    samples = await run_requests(_connections(processes, client.token), REQUESTS, get_request(PATH))
    client.admitted = _count_admitted(samples)
    client.shed = sum(sample.response.status == 503 for sample in samples)
    rejected = [sample for sample in samples if sample.response.status == 429]
    ended = [sample.at + sample.response.seconds for sample in rejected]
    if not rejected:
        return
    client.refilled = int((min(ended) - started) / client.interval)
    last = max(rejected, key=lambda sample: sample.at + sample.response.seconds)
    # Retry-After of the last 429, counted from the first one.
    client.wait = int(last.response.headers["retry-after"]) + round(max(ended) - min(ended))


async def _check_retry_after(processes: Cluster, client: RateLimitedClient) -> None:
    """Send requests within the 60 s, and one after the Retry-After of the last 429."""
    connection = _connections(processes, client.token, 1)[0]
    for _ in range(2):
        await asyncio.sleep(20)
        client.admitted_in_window += (await connection.send("GET", PATH)).status != 429
    rejected = await connection.send("GET", PATH)
    wait = int(rejected.headers.get("retry-after", "0"))
    await asyncio.sleep(wait - 2)
    client.admitted_in_window += (await connection.send("GET", PATH)).status != 429
    await asyncio.sleep(2)
    client.status_after_wait = (await connection.send("GET", PATH)).status


async def _count_admitted_with_forged_addresses(processes: Cluster) -> int:
    async def send_forged(connection: Connection, _number: int) -> Response:
        address = ".".join(str(random.randint(1, 250)) for _ in range(4))
        headers = {"X-Forwarded-For": address, "X-Real-IP": address, "Forwarded": f"for={address}"}
        return await connection.send("GET", PATH, headers=headers)

    return _count_admitted(await run_requests(_connections(processes, "", 50), 500, send_forged))


async def _check_free_requests(processes: Cluster) -> bool:
    """Return whether 304 responses and health checks cost no quota."""
    token = (await asyncio.to_thread(create_user, "Frida", "free")).token
    for name in NODE_NAMES:
        first = await Connection(processes.socket(name), token).send("GET", PATH)
    conditional = {"If-None-Match": first.headers["etag"]}

    async def send_free(connection: Connection, number: int) -> Response:
        if number % 2:
            return await connection.send("GET", PATH, headers=conditional)
        return await connection.send("GET", "/api/v1/health")

    samples = await run_requests(_connections(processes, token, 20), 1000, send_free)
    statuses = Counter(sample.response.status for sample in samples)
    last = await _connections(processes, token, 1)[0].send("GET", PATH)
    remaining = int(last.headers["ratelimit"].split("r=")[1].split(";")[0])
    used = sum(settings.RATE_LIMITS["tiers"]["free"]) - remaining
    return statuses[304] == 500 and not statuses[429] and used <= len(NODE_NAMES) + 1


async def _flood_without_redis(processes: Cluster) -> tuple[int, int]:
    """Stop Redis and return how many requests were admitted, and how many failed."""
    token = (await asyncio.to_thread(create_user, "Lotte", "free")).token
    await asyncio.to_thread(processes.stop, "redis")
    samples = await run_requests(_connections(processes, token, 50), REQUESTS, get_request(PATH))
    return _count_admitted(samples), count_failed(samples)


def _print_table(clients: list[RateLimitedClient]) -> None:
    head = (
        "tier",
        "quota + burst",
        "requests",
        "admitted",
        "503",
        "refilled meanwhile",
        "blocked for",
        "admitted while blocked",
        "status after Retry-After",
    )
    rows = [
        (
            client.tier,
            client.quota,
            REQUESTS,
            client.admitted,
            client.shed,
            client.refilled,
            f"{client.wait} s",
            client.admitted_in_window,
            client.status_after_wait,
        )
        for client in clients
    ]
    print_table([head, *rows])
