"""One load by wrk, and what the processes under it cost."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
REPORT = """
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('\\nRESULT {"requests": %d, "microseconds": %d, "p50": %d, "p95": %d, "p99": %d, "failed": %d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    per_second: float
    p50: float
    p95: float
    p99: float
    failed: int
    cpu: float

    def row(self) -> str:
        figures = f"{self.per_second:,.0f} | {self.p50:.1f} | {self.p95:.1f} | {self.p99:.1f} | {self.cpu:.2f}"
        return f"| {self.name} | {figures} | {self.failed} |"


def measure(
    name: str, url: str, *, token: str = "", lua: str = "", connections: int = 100, seconds: float = 8, root_pid: int
) -> Figure:
    """Warm up for a second, then load `url` (or what `lua` requests); milliseconds, CPU in ms a request of all below `root_pid`."""
    headers = ["-H", f"Authorization: Bearer {token}"] if token else []
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(lua + REPORT)
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", "-s", script.name, *headers, url]
        subprocess.run([*command, "-d1s"], capture_output=True, check=True)
        before = cpu_seconds(root_pid)
        ran = subprocess.run([*command, f"-d{seconds:.0f}s"], capture_output=True, check=True, text=True)
        spent = cpu_seconds(root_pid) - before
    line = next(line for line in ran.stdout.splitlines() if line.startswith("RESULT "))
    found = json.loads(line.removeprefix("RESULT "))
    return Figure(
        name=name,
        per_second=found["requests"] / found["microseconds"] * 1e6,
        p50=found["p50"] / 1000,
        p95=found["p95"] / 1000,
        p99=found["p99"] / 1000,
        failed=found["failed"],
        cpu=spent / max(1, found["requests"]) * 1000,
    )


def cpu_seconds(root_pid: int) -> float:
    """Return the processor time of a process and all below it, so far."""
    return sum(_ticks(pid) for pid in family(root_pid)) / TICKS


def family(root_pid: int) -> set[int]:
    parents = dict(_parents())
    found = {root_pid}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _parents() -> Iterable[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (stat := _stat(int(folder.name))):
            yield int(folder.name), int(stat[1])


def _ticks(pid: int) -> int:
    stat = _stat(pid)
    return int(stat[11]) + int(stat[12]) if stat else 0


def _stat(pid: int) -> list[str]:
    """Return the fields after the command's name (proc(5)); nothing when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def resident_megabytes(root_pid: int) -> float:
    """Return the resident memory of a process and all below it."""
    pages = 0
    for pid in family(root_pid):
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024
