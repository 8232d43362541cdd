"""`python -m benchmarks [--sizes 10000,1000000] [--seconds 8]`: one table, measured with its references in the same run."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import servers
from benchmarks.load import Figure, measure, resident_megabytes
from drills.parts import ROOT, free_port

RESULTS = ROOT / "benchmarks" / "RESULTS.md"
HEAD = "| what | requests/s | p50 ms | p95 ms | p99 ms | CPU ms/request | failed |\n|---|---|---|---|---|---|---|"
CREATE = """
local number = 0
request = function()
  number = number + 1
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = wrk.headers["Authorization"]}
  %s
  return wrk.format("POST", nil, headers, '{"title": "Measured ' .. number .. '", "project": "LOAD"}')
end
"""
KEY = "headers['Idempotency-Key'] = '\"' .. tostring(os.clock()) .. math.random() .. number .. '\"'"
PATCH = """
local ids, number = %s, 0
request = function()
  number = number + 1
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = wrk.headers["Authorization"]}
  return wrk.format("PATCH", "/api/v1/tasks/" .. ids[number %% #ids + 1] .. "/", headers, '{"estimate": ' .. number .. '}')
end
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("--sizes", default="10000,1000000")
    parser.add_argument("--seconds", type=float, default=8)
    chosen = parser.parse_args()
    sections = []
    for size in [int(text) for text in chosen.sizes.split(",")]:
        print(f"\n{size:,} tasks\n{HEAD}", flush=True)
        with tempfile.TemporaryDirectory(prefix="taskflow-bench-") as folder:
            Path(folder).chmod(0o711)
            sections.append((size, list(_at_size(Path(folder), size, chosen.seconds))))
    RESULTS.write_text(_report(sections))
    print(f"\nwritten to {RESULTS.relative_to(ROOT)}")
    return 0


def _at_size(var: Path, size: int, seconds: float) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with servers.stack(var, port) as pid:
        _load_data(var, size)
        token = servers.token(url)
        listing = f"{url}/api/v1/tasks/"
        ids = [row["id"] for row in _get(f"{listing}?limit=100&fields=id", token)["results"]]

        def run(
            name: str, at: str, *, lua: str = "", connections: int = 100, root_pid: int = pid, bearer: str = token
        ) -> str:
            figure = measure(
                name, at, token=bearer, lua=lua, connections=connections, seconds=seconds, root_pid=root_pid
            )
            return _said(figure)

        yield run("hot list, nginx and three nodes", listing)
        yield run("hot single task", f"{listing}{ids[0]}/")
        yield run("stats", f"{listing}stats/")
        yield run("search", f"{listing}?search=deploy", connections=32)
        yield run("create", listing, lua=CREATE % "", connections=32)
        yield run("create with Idempotency-Key", listing, lua=CREATE % KEY, connections=32)
        yield run("patch", listing, lua=PATCH % _lua(ids), connections=32)
        memory = resident_megabytes(pid)
        with servers.cold_node(var) as (node, cold):
            yield run("cold list, one node of two workers", f"{cold}/api/v1/tasks/", connections=32, root_pid=node)
            yield run("cold single task", f"{cold}/api/v1/tasks/{ids[0]}/", connections=32, root_pid=node)
            yield run(
                "cold list, thousandth page", _thousandth(f"{cold}/api/v1/tasks/", token), connections=32, root_pid=node
            )
        with servers.reference(var, "application") as (node, plain):
            yield run("reference: the list by plain DRF", plain, connections=32, root_pid=node)
        with servers.reference(var, "hello") as (node, hello):
            yield run("reference: bare WSGI hello", hello, connections=32, root_pid=node, bearer="")
        static = f"{url}/static/img/logo.svg"
        yield run("reference: nginx, a static file", static, bearer="")
        yield f"| memory of the whole stack after the load | {memory:,.0f} MB | | | | | |"


def _load_data(var: Path, size: int) -> None:
    command = [sys.executable, "-m", "benchmarks.data", str(size)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **servers.environment_of(var)}, check=True, stdout=sys.stderr)


def _get(url: str, token: str) -> dict[str, Any]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _thousandth(listing: str, token: str) -> str:
    """Walk to the deepest page there is, at most 200 pages of 100 rows, which is the thousandth of 20."""
    url = f"{listing}?limit=100&fields=id"
    for _ in range(200):
        further = _get(url, token).get("next")
        if not isinstance(further, str):
            break
        url = further
    return url.replace("limit=100", "limit=20").replace("&fields=id", "")


def _lua(ids: list[str]) -> str:
    return "{" + ", ".join(f'"{one}"' for one in ids) + "}"


def _said(figure: Figure) -> str:
    print(figure.row(), flush=True)
    return figure.row()


def _report(sections: list[tuple[int, list[str]]]) -> str:
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "",
    )
    machine = f"{os.cpu_count()} cores ({cpu or platform.machine()}), Python {platform.python_version()}"
    intro = (
        "# Measured\n\n"
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine}; load generator (wrk, one thread) on the same machine, "
        "limits and logging on.\n"
    )
    tables = "".join(f"\n## {size:,} tasks\n\n{HEAD}\n" + "\n".join(rows) + "\n" for size, rows in sections)
    return intro + tables


if __name__ == "__main__":
    sys.exit(main())
