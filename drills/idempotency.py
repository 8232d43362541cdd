"""Fifty uses of one Idempotency-Key at once, over three nodes of which one dies at a different moment each round."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path

import uvloop
from django.core.management import call_command

from drills import keyed
from drills.cluster import NODES, Cluster, cluster
from drills.http import Connection
from drills.people import person, shared_project
from drills.report import Progress, table, verdict
from tasks.models import Task

ROUNDS, USES, RETRIES = 10, 50, 8
STEP = 0.012


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as parts:
        who = person("Ida")
        project = shared_project("Drill", who).key
        found = uvloop.run(_drill(parts, who.token, project))
    rows = Counter(Task.objects.filter(project__key=project).values_list("title", flat=True))
    table([("killed after", "uses", "201", "others", "different tasks", "rows"), *_lines(found, rows)])
    return verdict(
        "idempotency",
        {
            f"one row in each of {ROUNDS} rounds": len(rows) == ROUNDS and set(rows.values()) == {1},
            "every use got that row": all(len(ids) == 1 and statuses == {201: USES} for statuses, ids in found),
        },
    )


def _lines(found: list[tuple[Counter[int], set[str]]], rows: Counter[str]) -> list[tuple[object, ...]]:
    return [
        (
            f"{number * STEP * 1000:.0f} ms",
            statuses.total(),
            statuses[201],
            dict(statuses - Counter({201: statuses[201]})) or "",
            len(ids),
            rows[f"Round {number}"],
        )
        for number, (statuses, ids) in enumerate(found)
    ]


async def _drill(parts: Cluster, token: str, project: str) -> list[tuple[Counter[int], set[str]]]:
    progress = Progress()
    found = []
    for number in range(ROUNDS):
        found.append(await _round(parts, token, project, number))
        progress.say(f"round {number}: {found[-1][0]}")
    return found


async def _round(parts: Cluster, token: str, project: str, number: int) -> tuple[Counter[int], set[str]]:
    """Send the same request fifty times and kill a node in the middle; returns the answers' statuses and task ids."""
    name, key = NODES[number % len(NODES)], os.urandom(12).hex()
    uses = [
        asyncio.create_task(
            keyed.create(
                Connection(("127.0.0.1", parts.port), token), f"Round {number}", project, key=key, retries=RETRIES
            )
        )
        for _ in range(USES)
    ]
    await asyncio.sleep(number * STEP)
    await asyncio.to_thread(parts.stop, name)
    answers = await asyncio.gather(*uses)
    parts.start(name)
    await asyncio.to_thread(parts.wait_for, name)
    return Counter(a.status for a in answers), {a.json()["id"] for a in answers if a.status == 201}
