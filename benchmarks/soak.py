"""Memory over time: the size of the largest node under minutes of reads and writes."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack, suppress

from benchmarks import wrk_scripts
from benchmarks.report import Table
from benchmarks.wrk import lua_script, node_pids, rss_megabytes

SAMPLE_INTERVAL = 10.0
WARMUP_SECONDS = 60.0
# Requests 200 different pages, so that the caches grow to their limits.
PAGES_SCRIPT = """
local number = 0
request = function()
  number = number + 1
  return wrk.format("GET", wrk.path .. "?limit=" .. (number % 100 + 1) .. "&ordering=" .. (number % 2 == 0 and "-" or "") .. "updated_at")
end
"""


def run_soak(listing: str, token: str, root: int, size: int, *, minutes: float) -> Table:
    """Read and write for some minutes. Returns a table with a remark on the largest node's memory."""
    seconds = minutes * 60
    print(f"\nmemory over {minutes:.0f} minutes", flush=True)
    with ExitStack() as stack:
        for lua, connections in ((PAGES_SCRIPT, 16), (wrk_scripts.create_script(), 2)):
            file = stack.enter_context(lua_script(lua))
            command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", file]
            headers = ["-H", f"Authorization: Bearer {token}"]
            process = subprocess.Popen([*command, *headers, listing], stdout=subprocess.DEVNULL)
            stack.callback(_stop, process)
        samples = _sample_memory(root, seconds)
    settled = [megabytes for at, megabytes in samples if at >= min(WARMUP_SECONDS, seconds / 2)]
    remark = (
        f"Memory of the largest of three nodes in {minutes:.0f} minutes of reads of 200 different pages and writes: "
        f"{settled[0]:.0f} MB after one minute, {max(settled):.0f} MB at most, {settled[-1]:.0f} MB at the end."
    )
    print(remark, flush=True)
    return Table(f"{size:,} tasks, memory", remarks=[remark])


def _sample_memory(root: int, seconds: float) -> list[tuple[float, float]]:
    """Return pairs of seconds since the start and megabytes of the largest node."""
    samples, started = [], time.monotonic()
    while (at := time.monotonic() - started) < seconds:
        megabytes = max(rss_megabytes(pid) for pid in node_pids(root))
        samples.append((at, megabytes))
        print(f"{at:6.0f} s  {megabytes:.0f} MB", flush=True)
        time.sleep(SAMPLE_INTERVAL)
    return samples


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
