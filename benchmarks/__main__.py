"""Run the benchmarks and write benchmarks/RESULTS.md.

Usage: `python -m benchmarks [--sizes 10000,1000000] [--seconds 8] [--runs 2] [--soak 100000]`, or `python -m benchmarks
filters` for the representative filters at a million tasks alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import report, servers, soak, wrk_scripts
from benchmarks.report import Table
from benchmarks.wrk import Measurement, measure
from drills.processes import ROOT, free_port

LARGE_SIZE = 1_000_000  # the bounds of benchmarks.plans are for this number of tasks
RESULTS_PATH = ROOT / "benchmarks" / "RESULTS.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure TaskFlow and references in the same run.")
    parser.add_argument("what", nargs="?", choices=["all", "filters"], default="all", help="what is measured")
    parser.add_argument("--sizes", default="10000,1000000", help="numbers of tasks")
    parser.add_argument("--seconds", type=float, default=8, help="duration of each load")
    parser.add_argument("--runs", type=int, default=2, help="tables for each number of tasks")
    parser.add_argument(
        "--soak", type=int, default=100_000, help="reads of different URLs over which memory is measured"
    )
    options = parser.parse_args()
    if options.what == "filters":
        return _measure_filters()
    tables: list[Table] = []
    for size in [int(text) for text in options.sizes.split(",")]:
        with tempfile.TemporaryDirectory(prefix="taskflow-bench-") as folder:
            Path(folder).chmod(0o711)  # PostgreSQL's user must be able to enter it
            for table in _measure_at_size(Path(folder), size, options, with_soak=not tables):
                tables.append(table)
                report.write_report(RESULTS_PATH, tables)
    print(f"\nWritten to {RESULTS_PATH.relative_to(ROOT)}")
    failures = [failure for table in tables for failure in table.failures]
    print("\n".join(failures) or "No request failed.")
    return 1 if failures else 0


def _measure_filters() -> int:
    with tempfile.TemporaryDirectory(prefix="taskflow-bench-") as folder:
        Path(folder).chmod(0o711)
        with servers.run_stack(Path(folder), free_port()):
            _run(Path(folder), "benchmarks.data", str(LARGE_SIZE))
            environment = {**os.environ, **servers.node_environment(Path(folder))}
            command = [sys.executable, "-m", "benchmarks.filters"]
            return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _measure_at_size(var: Path, size: int, options: argparse.Namespace, *, with_soak: bool) -> Iterator[Table]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with servers.run_stack(var, port) as pid:
        _run(var, "benchmarks.data", str(size))
        if size >= LARGE_SIZE:
            _run(var, "benchmarks.plans")
        for number in range(1, options.runs + 1):
            print(f"\n{size:,} tasks, run {number}\n{report.TABLE_HEADER}", flush=True)
            table = Table(f"{size:,} tasks, run {number}")
            for measurement in _measure_endpoints(var, url, pid, options.seconds):
                table.rows.append(measurement.row())
                if measurement.failed:
                    table.failures.append(f"{table.title}, {measurement.name}: {measurement.failed} requests failed.")
                print(measurement.row(), flush=True)
            yield table
        if options.soak and with_soak:
            yield soak.run_soak(f"{url}/api/v1/tasks/", servers.get_access_token(url), pid, size, reads=options.soak)


def _measure_endpoints(var: Path, url: str, pid: int, seconds: float) -> Iterator[Measurement]:
    token = servers.get_access_token(url)
    listing = f"{url}/api/v1/tasks/"
    ids = [row["id"] for row in _get(f"{listing}?limit=100&fields=id", token)["results"]]
    load = partial(measure, token=token, seconds=seconds, roots=[pid])

    yield load("hot list, nginx and three nodes", listing)
    yield load("hot single task", f"{listing}{ids[0]}/")
    yield load("stats", f"{listing}stats/")
    yield load("search, the same query", f"{listing}?search=deploy", connections=32)
    keys = [row["key"] for row in _get(f"{url}/api/v1/projects/?limit=20&fields=key,is_inbox", token)["results"]]
    yield load("create, all in one project", listing, lua=wrk_scripts.create_script(), connections=32)
    yield load(f"create, in {len(keys)} projects", listing, lua=wrk_scripts.create_script(keys), connections=32)
    yield load(
        "create with Idempotency-Key", listing, lua=wrk_scripts.create_script(keys, with_key=True), connections=32
    )
    yield load("patch", listing, lua=wrk_scripts.patch_script(ids), connections=32)
    with servers.run_node(var) as (node, direct):
        cold = partial(load, lua=wrk_scripts.COLD_SCRIPT, connections=32, roots=[pid, node])
        yield cold("cold list", f"{direct}/api/v1/tasks/")
        yield cold("cold list, thousandth page", _url_of_page_1000(f"{direct}/api/v1/tasks/", token))
        yield cold("cold single task", f"{direct}/api/v1/tasks/{ids[0]}/")
        yield cold("cold search, 4 at a time", f"{direct}/api/v1/tasks/?search=deploy", connections=4)
    with servers.run_reference(var, "application") as (node, plain):
        yield load("reference: the list by plain DRF", plain, connections=32, roots=[pid, node])
    with servers.run_reference(var, "hello_app") as (node, hello):
        yield load("reference: bare WSGI hello", hello, connections=32, roots=[node], token="")
    yield load("reference: nginx, a static file", f"{url}/static/img/logo.svg", token="")


def _run(var: Path, module: str, *arguments: str) -> None:
    """Run a module with the stack's database. A failure ends the benchmark."""
    command = [sys.executable, "-m", module, *arguments]
    subprocess.run(
        command, cwd=ROOT, env={**os.environ, **servers.node_environment(var)}, check=True, stdout=sys.stderr
    )


def _get(url: str, token: str) -> dict[str, Any]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as response:
        body: dict[str, Any] = json.load(response)
        return body


def _url_of_page_1000(listing: str, token: str) -> str:
    """Follow 200 pages of 100 rows and return the URL of the page there.

    A shorter list ends earlier.
    """
    url = f"{listing}?limit=100&fields=id"
    for _ in range(200):
        next_url = _get(url, token).get("next")
        if not isinstance(next_url, str):
            break
        url = next_url
    return url.replace("limit=100", "limit=20").replace("&fields=id", "")


if __name__ == "__main__":
    sys.exit(main())
