"""Load by wrk, and the CPU time and memory of the processes under it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PROCESS_NAMES = {
    "gunicorn": "Django",
    "postgres": "PostgreSQL",
    "nginx": "nginx",
    "valkey": "Valkey",
    "celery": "worker",
    "relay": "relay",
}
REPORT_SCRIPT = """
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('\\nRESULT {"requests": %d, "microseconds": %d, "p50": %d, "p95": %d, "p99": %d, "failed": %d, "refused": %d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, errors.status))
end
"""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The result of one load, with times in milliseconds. `per_second` counts successful responses only.

    `cpu` is the CPU time of one request in all processes together; `shares` are the processes' shares of the machine's
    CPU time.
    """

    name: str
    per_second: float
    p50: float
    p95: float
    p99: float
    failed: int
    cpu: float
    shares: dict[str, float]

    def row(self) -> str:
        figures = f"{self.per_second:,.0f} | {self.p50:.1f} | {self.p95:.1f} | {self.p99:.1f} | {self.cpu:.2f}"
        return f"| {self.name} | {figures} | {self.failed} | {self.cpu_shares()} |"

    def cpu_shares(self) -> str:
        """Return the processes that used at least 3 % of the CPU time, largest first."""
        largest = sorted(self.shares.items(), key=lambda pair: -pair[1])
        return ", ".join(f"{name} {share:.0%}" for name, share in largest if share >= 0.03)


@contextmanager
def lua_script(lua: str) -> Iterator[str]:
    """Write a script to a temporary file and yield its path."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(lua)
        file.flush()
        yield file.name


def measure(
    name: str,
    url: str,
    *,
    token: str = "",
    lua: str = "",
    connections: int = 100,
    seconds: float = 8,
    roots: Sequence[int],
) -> Measurement:
    """Warm up for a second, then load `url` (or what the script `lua` requests).

    The CPU time is that of the processes in `roots` and all below them.
    """
    headers = ["-H", f"Authorization: Bearer {token}"] if token else []
    with lua_script(lua + REPORT_SCRIPT) as file:
        # wrk's own timeout of 2 s is shorter than a write may wait in the queue.
        command = ["wrk", "-t1", f"-c{connections}", "--timeout", "15s", "-s", file, *headers, url]
        subprocess.run([*command, "-d1s"], capture_output=True, check=True)
        before, wrk_before, started = cpu_seconds(roots), _children_cpu_seconds(), time.monotonic()
        process = subprocess.run([*command, f"-d{seconds:.0f}s"], capture_output=True, check=True, text=True)
        used, available = cpu_seconds(roots) - before, (time.monotonic() - started) * (os.cpu_count() or 1)
        used_by_wrk = _children_cpu_seconds() - wrk_before
    line = next(line for line in process.stdout.splitlines() if line.startswith("RESULT "))
    result = json.loads(line.removeprefix("RESULT "))
    return Measurement(
        name=name,
        per_second=(result["requests"] - result["refused"]) / result["microseconds"] * 1e6,
        p50=result["p50"] / 1000,
        p95=result["p95"] / 1000,
        p99=result["p99"] / 1000,
        failed=result["failed"],
        cpu=used.total() / max(1, result["requests"]) * 1000,
        shares={part: cpu / available for part, cpu in (used + Counter({"wrk": used_by_wrk})).items()},
    )


def _children_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cpu_seconds(roots: Iterable[int]) -> Counter[str]:
    """Return the CPU time so far of these processes and all below them, by name."""
    seconds: Counter[str] = Counter()
    for pid in process_tree(roots):
        if stat := _read_stat(pid):
            ticks = int(stat[11]) + int(stat[12])  # utime and stime
            seconds[_process_name(pid)] += ticks / CLOCK_TICKS  # type: ignore[assignment]  # a Counter of fractions
    return seconds


def process_tree(roots: Iterable[int]) -> set[int]:
    """Return the ids of these processes and all their descendants."""
    parents = dict(_parent_pids())
    pids = set(roots)
    while children := {pid for pid, parent in parents.items() if parent in pids} - pids:
        pids |= children
    return pids


def node_pids(root: int) -> list[int]:
    """Return the ids of gunicorn's workers below a process."""
    parents = dict(_parent_pids())
    gunicorn = {pid for pid in process_tree([root]) if _process_name(pid) == "Django"}
    return sorted(pid for pid in gunicorn if parents.get(pid) in gunicorn)


def rss_megabytes(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def _process_name(pid: int) -> str:
    try:
        command_line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return "other"
    return next((name for program, name in PROCESS_NAMES.items() if program in command_line), "other")


def _parent_pids() -> Iterable[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (stat := _read_stat(int(folder.name))):
            yield int(folder.name), int(stat[1])


def _read_stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the command's name (proc(5)), or an empty list."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
