"""Fifty concurrent requests with one Idempotency-Key create one row, while a node is killed.

Each round kills one of the three nodes at another moment.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path

import uvloop
from django.core.management import call_command

from drills import idempotent_client
from drills.cluster import NODE_NAMES, Cluster, cluster
from drills.http import Connection
from drills.report import Check, Progress, print_table, print_verdict
from drills.users import create_shared_project, create_user
from tasks.models import Task

ROUNDS, CONCURRENT_USES, RETRIES = 10, 50, 8
KILL_DELAY_STEP = 0.012


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as processes:
        user = create_user("Ida")
        project = create_shared_project("Drill", user).key
        results = uvloop.run(_drill(processes, user.token, project))
    rows = Counter(Task.objects.filter(project__key=project).values_list("title", flat=True))
    complete = sum(len(ids) == 1 and statuses == {201: CONCURRENT_USES} for statuses, ids in results)
    head = ("node killed after", "requests", "201", "other statuses", "different tasks", "rows")
    print_table([head, *_table_rows(results, rows)])
    return print_verdict(
        "idempotency",
        [
            Check(
                f"{rows.total()} rows in {ROUNDS} rounds",
                f"{ROUNDS}",
                set(rows.values()) == {1} and len(rows) == ROUNDS,
            ),
            Check(f"{complete} rounds in which every request got the same row", f"{ROUNDS}", complete == ROUNDS),
        ],
    )


def _table_rows(results: list[tuple[Counter[int], set[str]]], rows: Counter[str]) -> list[tuple[object, ...]]:
    return [
        (
            f"{number * KILL_DELAY_STEP * 1000:.0f} ms",
            statuses.total(),
            statuses[201],
            dict(statuses - Counter({201: statuses[201]})) or "",
            len(ids),
            rows[f"Round {number}"],
        )
        for number, (statuses, ids) in enumerate(results)
    ]


async def _drill(processes: Cluster, token: str, project: str) -> list[tuple[Counter[int], set[str]]]:
    progress = Progress()
    results = []
    for number in range(ROUNDS):
        statuses, ids = await _round(processes, token, project, number)
        results.append((statuses, ids))
        progress.print_line(f"round {number}: statuses {dict(statuses)}")
    return results


async def _round(processes: Cluster, token: str, project: str, number: int) -> tuple[Counter[int], set[str]]:
    """Send the same request fifty times and kill a node meanwhile. Returns statuses and task ids."""
    name, key = NODE_NAMES[number % len(NODE_NAMES)], os.urandom(12).hex()
    requests = [
        asyncio.create_task(
            idempotent_client.create_task(
                Connection(("127.0.0.1", processes.port), token), f"Round {number}", project, key=key, retries=RETRIES
            )
        )
        for _ in range(CONCURRENT_USES)
    ]
    await asyncio.sleep(number * KILL_DELAY_STEP)
    await asyncio.to_thread(processes.stop, name)
    responses = await asyncio.gather(*requests)
    processes.start(name)
    await asyncio.to_thread(processes.wait_for, name)
    ids = {response.json()["id"] for response in responses if response.status == 201}
    return Counter(response.status for response in responses), ids
