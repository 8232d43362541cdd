"""Every node rejects a revoked session on its next request, also while Redis fails."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import uvloop
from django.core.management import call_command

from drills.cluster import NODE_NAMES, Cluster, cluster, node_connection
from drills.faults import Fault, flush_redis, freeze_redis, no_fault, restart_redis, thaw_redis
from drills.report import Check, Progress, print_table, print_verdict
from drills.users import SignedInUser, create_user, issue_access_token

SESSION_COUNT, USES_PER_NODE = 25, 100
PATHS = ("/api/v1/me/", "/api/v1/tasks/", "/api/v1/projects/")


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as processes:
        users = [create_user(f"Rita{number}") for number in range(len(FAULTS))]
        rows = uvloop.run(_drill(processes, users))
    print_table([("Redis", "sessions", "uses", "accepted", "rejected with 401", "other statuses"), *rows])
    uses, accepted, rejected = (sum(row[column] for row in rows) for column in (2, 3, 4))
    return print_verdict(
        "revoke",
        [
            Check(f"{accepted} of {uses} uses accepted", "0", accepted == 0),
            Check(f"{rejected} rejected with 401", f"{uses}", rejected == uses),
        ],
    )


async def _drill(processes: Cluster, users: list[SignedInUser]) -> list[tuple[Any, ...]]:
    progress = Progress()
    rows: list[tuple[Any, ...]] = []
    for user, (name, before_revocation, after_revocation) in zip(users, FAULTS, strict=True):
        tokens = [await asyncio.to_thread(issue_access_token, user.user) for _ in range(SESSION_COUNT)]
        for token in tokens:
            results = await _use_token(processes, token, len(NODE_NAMES) * len(PATHS))
            if set(results) != {"accepted"}:
                raise RuntimeError(f"a session is not valid before its revocation: {results}")
        results = Counter[str]()
        await before_revocation(processes)
        for token in tokens:
            results += await _revoke_and_use(processes, token)
        await after_revocation(processes)
        for token in tokens:
            results += await _use_token(processes, token, USES_PER_NODE - USES_PER_NODE // 2)
        others = results.total() - results["accepted"] - results["401"]
        rows.append((name, len(tokens), results.total(), results["accepted"], results["401"], others))
        progress.print_line(f"{name}: {results['accepted']} of {results.total()} accepted")
    return rows


async def _revoke_and_use(processes: Cluster, token: str) -> Counter[str]:
    response = await node_connection(processes, NODE_NAMES[0], token).send("POST", "/api/v1/auth/logout/")
    if response.status != 204:
        raise RuntimeError(f"the logout failed: {response}")
    return await _use_token(processes, token, USES_PER_NODE // 2)


async def _use_token(processes: Cluster, token: str, times: int) -> Counter[str]:
    """Use a token on all nodes at once. Returns the counts of `accepted` and of other statuses."""
    results = Counter[str]()

    async def use_on_node(number: int) -> None:
        connection = node_connection(processes, NODE_NAMES[(number + 1) % len(NODE_NAMES)], token)
        for turn in range(number, times, len(NODE_NAMES)):
            response = await connection.send("GET", PATHS[turn // len(NODE_NAMES) % len(PATHS)])
            results["accepted" if response.status in (200, 304) else str(response.status)] += 1
        connection.close()

    await asyncio.gather(*(use_on_node(number) for number in range(len(NODE_NAMES))))
    return results


# Name, fault before the sessions are revoked, fault afterwards.
FAULTS: tuple[tuple[str, Fault, Fault], ...] = (
    ("running", no_fault, no_fault),
    ("flushed after the revocation", no_fault, flush_redis),
    ("killed after the revocation", no_fault, restart_redis),
    ("frozen during the revocation", freeze_redis, thaw_redis),
)
