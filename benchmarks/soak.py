"""Memory over many requests: the size of the largest node under reads of ever different URLs and writes."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

from benchmarks import wrk_scripts
from benchmarks.report import Table
from benchmarks.wrk import REPORT_SCRIPT, lua_script, node_pids, rss_megabytes

SLICE_SECONDS = 15
READS_PER_WRITE = 10
MAX_MEGABYTES = 200
MAX_GROWTH_MEGABYTES = 8  # from the middle of the run to its end
# No two requests have the same URL, so each response is a new entry of the caches.
DIFFERENT_URLS_SCRIPT = """
local started, number = os.time(), 0
request = function()
  number = number + 1
  return wrk.format("GET", string.format("%s?limit=20&updated_since=2020-01-01T00:00:00.%06d%%2B00:%02d", wrk.path, number, started % 60))
end
"""


def run_soak(listing: str, token: str, root: int, size: int, *, reads: int) -> Table:
    """Read `reads` different URLs, and write a tenth as often. Returns a table with a remark on the memory."""
    print(f"\nmemory over {reads:,} reads of different URLs and {reads // READS_PER_WRITE:,} writes", flush=True)
    done = {"reads": 0, "writes": 0}
    failed = 0
    samples = [_largest_node(root)]
    while done["reads"] < reads or done["writes"] < reads // READS_PER_WRITE:
        loads = {"reads": (DIFFERENT_URLS_SCRIPT, 16), "writes": (wrk_scripts.create_script(), 4)}
        with ThreadPoolExecutor() as pool:
            results = pool.map(lambda load: _run_slice(listing, token, *load), loads.values())
            for name, (succeeded, refused) in zip(loads, results, strict=True):
                done[name] += succeeded
                failed += refused
        samples.append(_largest_node(root))
        print(f"{done['reads']:>9,} reads {done['writes']:>8,} writes  {samples[-1]:.0f} MB", flush=True)
    growth = samples[-1] - samples[len(samples) // 2]
    remark = (
        f"Memory of the largest of three nodes: {samples[0]:.0f} MB at the start, {max(samples):.0f} MB at most, "
        f"{samples[-1]:.0f} MB after {done['reads']:,} reads of different URLs and {done['writes']:,} writes; "
        f"{growth:+.0f} MB in the second half; {failed} requests failed."
    )
    print(remark, flush=True)
    is_flat = max(samples) <= MAX_MEGABYTES and growth <= MAX_GROWTH_MEGABYTES
    return Table(f"{size:,} tasks, memory", remarks=[remark], failures=[] if is_flat and not failed else [remark])


def _run_slice(listing: str, token: str, lua: str, connections: int) -> tuple[int, int]:
    """Run wrk for some seconds; returns the numbers of successful and of failed requests."""
    with lua_script(lua + REPORT_SCRIPT) as file:
        command = ["wrk", "-t1", f"-c{connections}", f"-d{SLICE_SECONDS}s", "--timeout", "15s", "-s", file]
        headers = ["-H", f"Authorization: Bearer {token}"]
        output = subprocess.run([*command, *headers, listing], capture_output=True, check=True, text=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("RESULT "))
    result = json.loads(line.removeprefix("RESULT "))
    return result["requests"] - result["refused"], result["failed"]


def _largest_node(root: int) -> float:
    return max(rss_megabytes(pid) for pid in node_pids(root))
