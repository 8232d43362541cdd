"""One load by wrk, and what the processes under it cost."""

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
  io.write(string.format('\\nRESULT {"requests": %d, "microseconds": %d, "p50": %d, "p95": %d, "p99": %d, "failed": %d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Milliseconds; `cpu` is the processor time of a request in all parts together, `shares` those of the machine's."""

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
        return f"| {self.name} | {figures} | {self.failed} | {self.saturated_process()} |"

    def saturated_process(self) -> str:
        """Who used the processors, by size; the rest of them was idle."""
        largest = sorted(self.shares.items(), key=lambda pair: -pair[1])
        return ", ".join(f"{name} {share:.0%}" for name, share in largest if share >= 0.03)


@contextmanager
def lua_script(lua: str) -> Iterator[str]:
    """Yield the path of a file with this script."""
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
    """Warm up for a second, then load `url` (or what `lua` requests); counts the processes below `roots`."""
    headers = ["-H", f"Authorization: Bearer {token}"] if token else []
    with lua_script(lua + REPORT_SCRIPT) as file:
        command = ["wrk", "-t1", f"-c{connections}", "-s", file, *headers, url]
        subprocess.run([*command, "-d1s"], capture_output=True, check=True)
        before, mine, started = cpu_seconds(roots), _children_cpu_seconds(), time.monotonic()
        ran = subprocess.run([*command, f"-d{seconds:.0f}s"], capture_output=True, check=True, text=True)
        spent, machine = cpu_seconds(roots) - before, (time.monotonic() - started) * (os.cpu_count() or 1)
        spent_by_wrk = _children_cpu_seconds() - mine
    line = next(line for line in ran.stdout.splitlines() if line.startswith("RESULT "))
    found = json.loads(line.removeprefix("RESULT "))
    return Measurement(
        name=name,
        per_second=found["requests"] / found["microseconds"] * 1e6,
        p50=found["p50"] / 1000,
        p95=found["p95"] / 1000,
        p99=found["p99"] / 1000,
        failed=found["failed"],
        cpu=spent.total() / max(1, found["requests"]) * 1000,
        shares={part: seconds / machine for part, seconds in (spent + Counter({"wrk": spent_by_wrk})).items()},
    )


def _children_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_seconds(roots: Iterable[int]) -> Counter[str]:
    """Return the processor time of these processes and all below them so far, by part."""
    found: Counter[str] = Counter()
    for pid in process_tree(roots):
        found[_process_name(pid)] += _cpu_ticks(pid) / CLOCK_TICKS  # type: ignore[assignment]  # a Counter may count fractions
    return found


def process_tree(roots: Iterable[int]) -> set[int]:
    parents = dict(_parent_pids())
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def node_pids(root: int) -> list[int]:
    """Return gunicorn's workers below a process."""
    parents = dict(_parent_pids())
    below = {pid for pid in process_tree([root]) if _process_name(pid) == "Django"}
    return sorted(pid for pid in below if parents.get(pid) in below)


def rss_megabytes(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def _process_name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return "other"
    return next((part for word, part in PROCESS_NAMES.items() if word in words), "other")


def _parent_pids() -> Iterable[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (stat := _read_stat(int(folder.name))):
            yield int(folder.name), int(stat[1])


def _cpu_ticks(pid: int) -> int:
    stat = _read_stat(pid)
    return int(stat[11]) + int(stat[12]) if stat else 0


def _read_stat(pid: int) -> list[str]:
    """Return the fields after the command's name (proc(5)); nothing when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
