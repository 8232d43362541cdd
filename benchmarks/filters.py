"""Measure the representative filters on the data of `benchmarks.data`: `python -m benchmarks.filters [--runs 20]`.

Prints p50, p95 and the processor time of PostgreSQL for each filter, for the reader for whom it is slowest, and exits
with 1 if a filter exceeds the goal or reads a whole table.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django

from benchmarks.plans import FILTERS, USER_HANDLES, build_query, explain

MAX_P95_MS = 50.0


def measure(user: Any, query_string: str, runs: int) -> tuple[float, float, float]:
    """Return p50, p95 and PostgreSQL's processor time of one run, in milliseconds."""
    from django.db import connection

    from core.sql_templates import Param

    statement, values = build_query(user, query_string, 1)
    parameters = [values[part.name] if isinstance(part, Param) else part for part in statement.parameters]
    times = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
        # The first run fills the cache, as the readers before would have.
        for number in range(runs + 1):
            if number == 1:
                cpu_before = cpu_seconds(pid)
            started = time.perf_counter()
            cursor.execute(statement.sql, parameters)
            cursor.fetchall()
            times.append((time.perf_counter() - started) * 1000)
    cpu = (cpu_seconds(pid) - cpu_before) * 1000 / runs
    return statistics.median(times[1:]), sorted(times[1:])[max(0, round(runs * 0.95) - 1)], cpu


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process of this machine; 0 where it is not known."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.filters", description="Measure the representative filters.")
    parser.add_argument("--runs", type=int, default=20, help="runs of each filter for each reader")
    runs = parser.parse_args(arguments).runs
    django.setup()
    from accounts.models import User

    users = list(User.objects.filter(handle__in=USER_HANDLES).order_by("handle"))
    failures = []
    print(
        "| filter | slowest reader | p50 ms | p95 ms | PostgreSQL CPU ms | 8 kB pages | |\n|---|---|---|---|---|---|---|"
    )
    for text in FILTERS:
        query_string = urlencode({"filter": text})
        p50, p95, cpu, user = max(
            ((*measure(user, query_string, runs), user) for user in users), key=lambda figures: figures[1]
        )
        plan = explain(user, query_string, 1)
        remark = ""
        if p95 > MAX_P95_MS or plan.scanned:
            remark = f"**scans {plan.scanned}**" if plan.scanned else f"**over {MAX_P95_MS:.0f} ms**"
            failures.append(text)
        figures = f"{p50:.1f} | {p95:.1f} | {cpu:.1f} | {plan.buffers:,}"
        print(f"| `{text}` | {user.handle} | {figures} | {remark} |", flush=True)
    print(f"\n{len(FILTERS) - len(failures)} of {len(FILTERS)} filters within {MAX_P95_MS:.0f} ms.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
