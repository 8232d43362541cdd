"""At five times the capacity, throughput stays and the rest is rejected at once.

Afterwards latency is normal within seconds. The peak is measured with uncached reads, as many at a time as there are
threads. Then requests arrive at five times that rate, whether or not earlier ones have a response. Both are measured in
turns, because the speed of a machine varies by more than the difference to be shown; peak and goodput are the means of
all rounds.

The load generator shares the cores with the servers; the report says how much of them it uses.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import uvloop
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from drills.closed_loop import ClosedLoopLoad, get_request
from drills.cluster import NODE_NAMES, Cluster
from drills.http import Connection
from drills.open_loop import OpenLoopLoad, RequestSample, build_get_request
from drills.report import Check, Progress, format_percentile, percentile, print_table, print_verdict
from drills.users import create_shared_project, create_user
from tasks.items import drafts
from tasks.items import services as items

LOAD_FACTOR = 5
ROUNDS = 4
WARMUP_SECONDS, PEAK_SECONDS, OVERLOAD_SECONDS, RECOVERY_SECONDS = 1.0, 5.0, 5.0, 8.0
MAX_REJECTION_SECONDS = 0.010


@dataclass(frozen=True, slots=True)
class Round:
    """`peak` is in responses a second; `shares` are the cores used by each process in the overload."""

    peak: float
    offered: Sequence[RequestSample]
    shares: dict[str, float]

    @property
    def rate(self) -> float:
        return len(self.offered) / OVERLOAD_SECONDS

    @property
    def goodput(self) -> float:
        """Successful responses a second, counting those that arrived before the overload ended."""
        end = min(sample.at for sample in self.offered) + OVERLOAD_SECONDS
        served = sum(sample.status == 200 and sample.at + sample.seconds <= end for sample in self.offered)
        return served / OVERLOAD_SECONDS


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with Cluster(folder) as processes:
        processes.start_all()
        user = create_user("Olga")
        project = create_shared_project("Drill", user)
        for number in range(30):
            draft = drafts.TaskDraft(title=f"Task {number}")
            items.create(actor=user.user, project_ref=project.key, draft=draft, now=timezone.now())
        return uvloop.run(_drill(processes, user.token, f"/api/v1/tasks/?project={project.key}&overdue=false"))


async def _drill(processes: Cluster, token: str, path: str) -> int:
    progress = Progress()
    saturating, few = settings.WSGI_THREADS * len(NODE_NAMES), settings.WSGI_THREADS // 2
    await _measure_closed_loop(processes, token, path, saturating, WARMUP_SECONDS)
    normal = await _measure_closed_loop(processes, token, path, few, RECOVERY_SECONDS / 2)
    rounds = []
    for _ in range(ROUNDS):
        result = await _round(processes, token, path, saturating)
        rounds.append(result)
        progress.print_line(f"peak {result.peak:.0f}/s; offered {result.rate:.0f}/s, served {result.goodput:.0f}/s")
    ended_at = time.monotonic()
    after = await _measure_closed_loop(processes, token, path, few, RECOVERY_SECONDS, warmup=0)
    return _report(rounds, normal, after, ended_at)


async def _round(processes: Cluster, token: str, path: str, connections: int) -> Round:
    """Measure the peak, then the overload."""
    peak = len(await _measure_closed_loop(processes, token, path, connections, PEAK_SECONDS)) / PEAK_SECONDS
    before = _cpu_seconds(processes)
    offered = await OpenLoopLoad(processes.port, build_get_request(path, token)).run(
        peak * LOAD_FACTOR, OVERLOAD_SECONDS
    )
    shares = {name: (after - before[name]) / OVERLOAD_SECONDS for name, after in _cpu_seconds(processes).items()}
    return Round(peak, offered, shares)


async def _measure_closed_loop(
    processes: Cluster, token: str, path: str, connections: int, seconds: float, *, warmup: float = WARMUP_SECONDS
) -> list[RequestSample]:
    address = ("127.0.0.1", processes.port)
    load = ClosedLoopLoad(get_request(path), [Connection(address, token) for _ in range(connections)])
    load.start()
    await asyncio.sleep(warmup)
    started = time.monotonic()
    await asyncio.sleep(seconds)
    await load.stop()
    samples = load.between(started, started + seconds)
    return [RequestSample(sample.at, sample.response.seconds, sample.response.status) for sample in samples]


def _cpu_seconds(processes: Cluster) -> dict[str, float]:
    """Return the CPU time of the load generator and of each process with its children."""
    used = {"load generator": time.process_time()}
    for name, process in processes.running.items():
        group = "nodes" if name in NODE_NAMES else name
        used[group] = used.get(group, 0.0) + sum(map(_process_cpu_seconds, _process_tree(process.pid)))
    return used


def _process_tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(descendant for child in children for descendant in _process_tree(int(child)))]


def _process_cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()  # proc(5): utime and stime
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _report(
    rounds: Sequence[Round], normal: Sequence[RequestSample], after: Sequence[RequestSample], ended_at: float
) -> int:
    offered = [sample for result in rounds for sample in result.offered]
    served = [sample for sample in offered if sample.status == 200]
    rejected = [sample for sample in offered if sample.status in (429, 503)]
    peak, goodput = fmean(result.peak for result in rounds), fmean(result.goodput for result in rounds)
    recovery = _recovery_time(after, ended_at, 2 * percentile(_durations(normal), 0.9) + 0.02)
    other_statuses = Counter(sample.status for sample in offered if sample.status != 200)
    seconds = OVERLOAD_SECONDS * len(rounds)
    print_table(
        [
            ("", "requests/s", "p50", "p95", "p99"),
            ("peak", f"{peak:.0f}", "", "", ""),
            ("normal load", f"{len(normal) / (RECOVERY_SECONDS / 2):.0f}", *_latencies(normal)),
            ("offered", f"{len(offered) / seconds:.0f}", "", "", ""),
            ("- served", f"{goodput:.0f}", *_latencies(served)),
            ("- rejected", f"{len(rejected) / seconds:.0f}", *_latencies(rejected)),
            ("normal load afterwards", f"{len(after) / RECOVERY_SECONDS:.0f}", *_latencies(after)),
        ]
    )
    print(f"not served, by status: {dict(other_statuses)}; latency normal again after {recovery:.1f} s")
    shares = {name: fmean(result.shares[name] for result in rounds) for name in rounds[0].shares}
    print("cores used: " + ", ".join(f"{name} {share:.2f}" for name, share in shares.items()))
    unanswered = len(offered) - len(served) - len(rejected)
    late_rejections = sum(sample.status != 200 for sample in after if sample.at > ended_at + 5)
    rejection_p95 = percentile(_durations(rejected), 0.95)
    return print_verdict(
        "overload",
        [
            Check(f"goodput {goodput / peak:.0%} of the peak", ">= 90%", goodput >= 0.9 * peak),
            Check(
                f"p95 of rejections {rejection_p95 * 1000:.1f} ms",
                f"<= {MAX_REJECTION_SECONDS * 1000:.0f} ms",
                rejection_p95 <= MAX_REJECTION_SECONDS,
            ),
            Check(f"{unanswered} requests neither served nor rejected", "0", unanswered == 0),
            Check(f"latency normal again after {recovery:.1f} s", "<= 5 s", recovery <= 5),
            Check(f"{late_rejections} rejected more than 5 s afterwards", "0", late_rejections == 0),
        ],
    )


def _durations(samples: Sequence[RequestSample]) -> list[float]:
    return [sample.seconds for sample in samples]


def _latencies(samples: Sequence[RequestSample]) -> tuple[str, str, str]:
    seconds = _durations(samples)
    return format_percentile(seconds, 0.5), format_percentile(seconds, 0.95), format_percentile(seconds, 0.99)


def _recovery_time(samples: Sequence[RequestSample], ended_at: float, slow: float) -> float:
    """Return how many seconds after `ended_at` the last slow or failing half second ended."""
    recovery = 0.0
    for number in range(int(RECOVERY_SECONDS * 2)):
        start = ended_at + number / 2
        interval = [sample for sample in samples if start <= sample.at < start + 0.5]
        if percentile(_durations(interval), 0.5) > slow or any(sample.status != 200 for sample in interval):
            recovery = number / 2 + 0.5
    return recovery
