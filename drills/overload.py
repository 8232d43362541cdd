"""Five times the capacity: the work goes on at its best rate, the rest is refused at once, and calm returns quickly.

The peak is measured with reads that nothing remembers, as many at a time as there are threads. Then five times as many a
second arrive, whether or not those before them were answered. The two take turns, because the speed of a machine drifts
by more than what is to be shown; goodput and peak are the means of all turns.

The load stands for machines of its own, yet it shares these cores with what it loads: how much it takes is printed.
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
from drills.report import Progress, format_percentile, percentile, print_table, print_verdict
from drills.users import create_shared_project, create_user
from tasks.items import drafts
from tasks.items import services as items

LOAD_FACTOR = 5
ROUNDS = 4
WARMUP_SECONDS, PEAK_SECONDS, OVERLOAD_SECONDS, RECOVERY_SECONDS = 1.0, 5.0, 5.0, 8.0
CONNECTIONS = 0.010


@dataclass(frozen=True, slots=True)
class Round:
    """`peak` in answers a second; `shares` is what each part used of a core during the overload."""

    peak: float
    offered: Sequence[RequestSample]
    shares: dict[str, float]

    @property
    def rate(self) -> float:
        return len(self.offered) / OVERLOAD_SECONDS

    @property
    def goodput(self) -> float:
        """Answers a second that were whole before the overload ended."""
        end = min(one.at for one in self.offered) + OVERLOAD_SECONDS
        return sum(one.status == 200 and one.at + one.seconds <= end for one in self.offered) / OVERLOAD_SECONDS


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with Cluster(folder) as processes:
        processes.start_all()
        who = create_user("Olga")
        project = create_shared_project("Drill", who)
        for number in range(30):
            draft = drafts.TaskDraft(title=f"Task {number}")
            items.create(actor=who.user, project_ref=project.key, draft=draft, now=timezone.now())
        return uvloop.run(_drill(processes, who.token, f"/api/v1/tasks/?project={project.key}&overdue=false"))


async def _drill(processes: Cluster, token: str, path: str) -> int:
    progress = Progress()
    many = settings.WSGI_THREADS * len(NODE_NAMES)
    await _measure_closed_loop(processes, token, path, many, WARMUP_SECONDS)
    calm = await _measure_closed_loop(processes, token, path, settings.WSGI_THREADS // 2, RECOVERY_SECONDS / 2)
    rounds = []
    for _ in range(ROUNDS):
        rounds.append(await _round(processes, token, path, many))
        progress.print_line(
            f"peak {rounds[-1].peak:.0f}/s, of {rounds[-1].rate:.0f}/s served {rounds[-1].goodput:.0f}/s"
        )
    over = time.monotonic()
    after = await _measure_closed_loop(processes, token, path, settings.WSGI_THREADS // 2, RECOVERY_SECONDS, warm=0)
    return _report(rounds, calm, after, over)


async def _round(processes: Cluster, token: str, path: str, many: int) -> Round:
    peak = len(await _measure_closed_loop(processes, token, path, many, PEAK_SECONDS)) / PEAK_SECONDS
    used = _cpu_seconds(processes)
    offered = await OpenLoopLoad(processes.port, build_get_request(path, token)).run(
        peak * LOAD_FACTOR, OVERLOAD_SECONDS
    )
    shares = {name: (after - used[name]) / OVERLOAD_SECONDS for name, after in _cpu_seconds(processes).items()}
    return Round(peak, offered, shares)


async def _measure_closed_loop(
    processes: Cluster, token: str, path: str, many: int, length: float, *, warm: float = WARMUP_SECONDS
) -> list[RequestSample]:
    load = ClosedLoopLoad(get_request(path), [Connection(("127.0.0.1", processes.port), token) for _ in range(many)])
    load.start()
    await asyncio.sleep(warm)
    began = time.monotonic()
    await asyncio.sleep(length)
    await load.stop()
    found = load.between(began, began + length)
    return [RequestSample(sample.at, sample.answer.seconds, sample.answer.status) for sample in found]


def _cpu_seconds(processes: Cluster) -> dict[str, float]:
    """What the load and each part have used since they began, children included."""
    used = {"the load": time.process_time()}
    for name, process in processes.running.items():
        group = "nodes" if name in NODE_NAMES else name
        used[group] = used.get(group, 0.0) + sum(map(_process_cpu_seconds, _process_tree(process.pid)))
    return used


def _process_tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _process_tree(int(child)))]


def _process_cpu_seconds(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _report(rounds: Sequence[Round], calm: Sequence[RequestSample], after: Sequence[RequestSample], over: float) -> int:
    offered = [one for turn in rounds for one in turn.offered]
    served = [one for one in offered if one.status == 200]
    refused = [one for one in offered if one.status in (429, 503)]
    peak, goodput = fmean(one.peak for one in rounds), fmean(one.goodput for one in rounds)
    back = _recovery_time(after, over, 2 * percentile(_successful_durations(calm), 0.9) + 0.02)
    others = Counter(one.status for one in offered) - Counter({200: len(served)})
    length = OVERLOAD_SECONDS * len(rounds)
    print_table(
        [
            ("", "requests/s", "p50", "p95", "p99"),
            ("peak", f"{peak:.0f}", "", "", ""),
            ("calm", f"{len(calm) / (RECOVERY_SECONDS / 2):.0f}", *_latencies(calm)),
            ("offered", f"{len(offered) / length:.0f}", "", "", ""),
            ("of it served", f"{goodput:.0f}", *_latencies(served)),
            ("of it refused", f"{len(refused) / length:.0f}", *_latencies(refused)),
            ("afterwards", f"{len(after) / RECOVERY_SECONDS:.0f}", *_latencies(after)),
        ]
    )
    print(f"not served: {dict(others)}; calm again after {back:.1f} s")
    shares = {name: fmean(one.shares[name] for one in rounds) for name in rounds[0].shares}
    print("cores used: " + ", ".join(f"{name} {share:.2f}" for name, share in shares.items()))
    return print_verdict(
        "overload",
        {
            f"goodput {goodput / peak:.0%} of the peak (>= 90 %)": goodput >= 0.9 * peak,
            f"p95 of refusals {format_percentile(_successful_durations(refused), 0.95)} (<= 10 ms)": percentile(
                _successful_durations(refused), 0.95
            )
            <= CONNECTIONS,
            "nothing broke": len(served) + len(refused) == len(offered)
            and all(one.status == 200 for one in after if one.at > over + 5),
            "calm within 5 s": back <= 5,
        },
    )


def _successful_durations(found: Sequence[RequestSample]) -> list[float]:
    return [one.seconds for one in found]


def _latencies(found: Sequence[RequestSample]) -> tuple[str, str, str]:
    seconds = _successful_durations(found)
    return format_percentile(seconds, 0.5), format_percentile(seconds, 0.95), format_percentile(seconds, 0.99)


def _recovery_time(found: Sequence[RequestSample], over: float, slow: float) -> float:
    """Seconds from the end of the overload to the end of the last half second with a slow or a refused answer."""
    back = 0.0
    for half in range(int(RECOVERY_SECONDS * 2)):
        start = over + half / 2
        these = [one for one in found if start <= one.at < start + 0.5]
        if percentile(_successful_durations(these), 0.5) > slow or any(one.status != 200 for one in these):
            back = half / 2 + 0.5
    return back
