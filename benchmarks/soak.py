"""Memory over time: reads and writes for minutes, and what each node holds meanwhile."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack, suppress

from benchmarks import requests
from benchmarks.load import nodes, resident_megabytes, script
from benchmarks.report import Table

EVERY = 10.0
SETTLED = 60.0
# Different pages, so that what is kept grows until its bound.
PAGES = """
local number = 0
request = function()
  number = number + 1
  return wrk.format("GET", wrk.path .. "?limit=" .. (number % 100 + 1) .. "&ordering=" .. (number % 2 == 0 and "-" or "") .. "updated_at")
end
"""


def run(listing: str, token: str, root: int, size: int, *, minutes: float) -> Table:
    """Return the table's remark: what the largest node held after a minute, at most, and at the end."""
    seconds = minutes * 60
    print(f"\nmemory over {minutes:.0f} minutes", flush=True)
    with ExitStack() as held:
        for lua, connections in ((PAGES, 16), (requests.create(), 2)):
            file = held.enter_context(script(lua))
            command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", file]
            headers = ["-H", f"Authorization: Bearer {token}"]
            started = subprocess.Popen([*command, *headers, listing], stdout=subprocess.DEVNULL)
            held.callback(_stop, started)
        samples = list(_samples(root, seconds))
    settled = [megabytes for at, megabytes in samples if at >= min(SETTLED, seconds / 2)]
    said = (
        f"Memory of the largest of three nodes under reads of 200 different pages and writes, {minutes:.0f} minutes: "
        f"{settled[0]:.0f} MB after the first, at most {max(settled):.0f} MB, {settled[-1]:.0f} MB at the end."
    )
    print(said, flush=True)
    return Table(f"{size:,} tasks, memory", remarks=[said])


def _samples(root: int, seconds: float) -> list[tuple[float, float]]:
    found, started = [], time.monotonic()
    while (at := time.monotonic() - started) < seconds:
        found.append((at, max(resident_megabytes(pid) for pid in nodes(root))))
        print(f"{at:6.0f} s  {found[-1][1]:.0f} MB", flush=True)
        time.sleep(EVERY)
    return found


def _stop(running: subprocess.Popen[bytes]) -> None:
    running.terminate()
    with suppress(subprocess.TimeoutExpired):
        running.wait(10)
