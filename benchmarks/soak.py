"""Memory over time: reads and writes for minutes, and what each node holds meanwhile."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack, suppress

from benchmarks import wrk_scripts
from benchmarks.report import Table
from benchmarks.wrk import lua_script, node_pids, rss_megabytes

SAMPLE_INTERVAL = 10.0
WARMUP_SECONDS = 60.0
# Different pages, so that what is kept grows until its bound.
PAGE_COUNT = """
local number = 0
request = function()
  number = number + 1
  return wrk.format("GET", wrk.path .. "?limit=" .. (number % 100 + 1) .. "&ordering=" .. (number % 2 == 0 and "-" or "") .. "updated_at")
end
"""


def run_soak(listing: str, token: str, root: int, size: int, *, minutes: float) -> Table:
    """Return the table's remark: what the largest node held after a minute, at most, and at the end."""
    seconds = minutes * 60
    print(f"\nmemory over {minutes:.0f} minutes", flush=True)
    with ExitStack() as held:
        for lua, connections in ((PAGE_COUNT, 16), (wrk_scripts.create_script(), 2)):
            file = held.enter_context(lua_script(lua))
            command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", file]
            headers = ["-H", f"Authorization: Bearer {token}"]
            started = subprocess.Popen([*command, *headers, listing], stdout=subprocess.DEVNULL)
            held.callback(_stop, started)
        samples = list(_sample_memory(root, seconds))
    settled = [megabytes for at, megabytes in samples if at >= min(WARMUP_SECONDS, seconds / 2)]
    said = (
        f"Memory of the largest of three nodes under reads of 200 different pages and writes, {minutes:.0f} minutes: "
        f"{settled[0]:.0f} MB after the first, at most {max(settled):.0f} MB, {settled[-1]:.0f} MB at the end."
    )
    print(said, flush=True)
    return Table(f"{size:,} tasks, memory", remarks=[said])


def _sample_memory(root: int, seconds: float) -> list[tuple[float, float]]:
    found, started = [], time.monotonic()
    while (at := time.monotonic() - started) < seconds:
        found.append((at, max(rss_megabytes(pid) for pid in node_pids(root))))
        print(f"{at:6.0f} s  {found[-1][1]:.0f} MB", flush=True)
        time.sleep(SAMPLE_INTERVAL)
    return found


def _stop(running: subprocess.Popen[bytes]) -> None:
    running.terminate()
    with suppress(subprocess.TimeoutExpired):
        running.wait(10)
