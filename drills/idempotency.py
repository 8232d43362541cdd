"""Fifty uses of one Idempotency-Key at once, over three nodes of which one dies at a different moment each round."""

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
from drills.report import Progress, print_table, print_verdict
from drills.users import create_shared_project, create_user
from tasks.models import Task

ROUNDS, CONCURRENT_USES, RETRIES = 10, 50, 8
KILL_DELAY_STEP = 0.012


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as processes:
        who = create_user("Ida")
        project = create_shared_project("Drill", who).key
        found = uvloop.run(_drill(processes, who.token, project))
    rows = Counter(Task.objects.filter(project__key=project).values_list("title", flat=True))
    print_table([("killed after", "uses", "201", "others", "different tasks", "rows"), *_table_rows(found, rows)])
    return print_verdict(
        "idempotency",
        {
            f"one row in each of {ROUNDS} rounds": len(rows) == ROUNDS and set(rows.values()) == {1},
            "every use got that row": all(
                len(ids) == 1 and statuses == {201: CONCURRENT_USES} for statuses, ids in found
            ),
        },
    )


def _table_rows(found: list[tuple[Counter[int], set[str]]], rows: Counter[str]) -> list[tuple[object, ...]]:
    return [
        (
            f"{number * KILL_DELAY_STEP * 1000:.0f} ms",
            statuses.total(),
            statuses[201],
            dict(statuses - Counter({201: statuses[201]})) or "",
            len(ids),
            rows[f"Round {number}"],
        )
        for number, (statuses, ids) in enumerate(found)
    ]


async def _drill(processes: Cluster, token: str, project: str) -> list[tuple[Counter[int], set[str]]]:
    progress = Progress()
    found = []
    for number in range(ROUNDS):
        found.append(await _round(processes, token, project, number))
        progress.print_line(f"round {number}: {found[-1][0]}")
    return found


async def _round(processes: Cluster, token: str, project: str, number: int) -> tuple[Counter[int], set[str]]:
    """Send the same request fifty times and kill a node in the middle; returns the answers' statuses and task ids."""
    name, key = NODE_NAMES[number % len(NODE_NAMES)], os.urandom(12).hex()
    uses = [
        asyncio.create_task(
            idempotent_client.create_task(
                Connection(("127.0.0.1", processes.port), token), f"Round {number}", project, key=key, retries=RETRIES
            )
        )
        for _ in range(CONCURRENT_USES)
    ]
    await asyncio.sleep(number * KILL_DELAY_STEP)
    await asyncio.to_thread(processes.stop, name)
    answers = await asyncio.gather(*uses)
    processes.start(name)
    await asyncio.to_thread(processes.wait_for, name)
    return Counter(a.status for a in answers), {a.json()["id"] for a in answers if a.status == 201}
