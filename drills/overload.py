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

from drills.arrivals import Arrival, Arrivals, get
from drills.cluster import NODES, Cluster
from drills.http import Connection
from drills.load import Load, fetch
from drills.people import person, shared_project
from drills.report import Progress, milliseconds, percentile, table, verdict
from tasks import services

TIMES = 5
ROUNDS = 4
WARM, PEAK, OVERLOAD, CALM = 1.0, 5.0, 5.0, 8.0
AT_ONCE = 0.010


@dataclass(frozen=True, slots=True)
class Round:
    """`peak` in answers a second; `shares` is what each part used of a core during the overload."""

    peak: float
    offered: Sequence[Arrival]
    shares: dict[str, float]

    @property
    def rate(self) -> float:
        return len(self.offered) / OVERLOAD

    @property
    def goodput(self) -> float:
        """Answers a second that were whole before the overload ended."""
        end = min(one.at for one in self.offered) + OVERLOAD
        return sum(one.status == 200 and one.at + one.seconds <= end for one in self.offered) / OVERLOAD


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with Cluster(folder) as parts:
        parts.start_all()
        who = person("Olga")
        project = shared_project("Drill", who)
        for number in range(30):
            draft = services.Draft(title=f"Task {number}")
            services.create_task(actor=who.user, project_ref=project.key, draft=draft, now=timezone.now())
        return uvloop.run(_drill(parts, who.token, f"/api/v1/tasks/?project={project.key}&overdue=false"))


async def _drill(parts: Cluster, token: str, path: str) -> int:
    progress = Progress()
    many = settings.THREADS * len(NODES)
    await _closed(parts, token, path, many, WARM)
    calm = await _closed(parts, token, path, settings.THREADS // 2, CALM / 2)
    rounds = []
    for _ in range(ROUNDS):
        rounds.append(await _round(parts, token, path, many))
        progress.say(f"peak {rounds[-1].peak:.0f}/s, of {rounds[-1].rate:.0f}/s served {rounds[-1].goodput:.0f}/s")
    over = time.monotonic()
    after = await _closed(parts, token, path, settings.THREADS // 2, CALM, warm=0)
    return _report(rounds, calm, after, over)


async def _round(parts: Cluster, token: str, path: str, many: int) -> Round:
    peak = len(await _closed(parts, token, path, many, PEAK)) / PEAK
    used = _processor_seconds(parts)
    offered = await Arrivals(parts.port, get(path, token)).run(peak * TIMES, OVERLOAD)
    shares = {name: (after - used[name]) / OVERLOAD for name, after in _processor_seconds(parts).items()}
    return Round(peak, offered, shares)


async def _closed(
    parts: Cluster, token: str, path: str, many: int, length: float, *, warm: float = WARM
) -> list[Arrival]:
    load = Load(fetch(path), [Connection(("127.0.0.1", parts.port), token) for _ in range(many)])
    load.start()
    await asyncio.sleep(warm)
    began = time.monotonic()
    await asyncio.sleep(length)
    await load.stop()
    found = load.between(began, began + length)
    return [Arrival(sample.at, sample.answer.seconds, sample.answer.status) for sample in found]


def _processor_seconds(parts: Cluster) -> dict[str, float]:
    """What the load and each part have used since they began, children included."""
    used = {"the load": time.process_time()}
    for name, process in parts.running.items():
        group = "nodes" if name in NODES else name
        used[group] = used.get(group, 0.0) + sum(map(_used_by, _family(process.pid)))
    return used


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _used_by(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _report(rounds: Sequence[Round], calm: Sequence[Arrival], after: Sequence[Arrival], over: float) -> int:
    offered = [one for turn in rounds for one in turn.offered]
    served = [one for one in offered if one.status == 200]
    refused = [one for one in offered if one.status in (429, 503)]
    peak, goodput = fmean(one.peak for one in rounds), fmean(one.goodput for one in rounds)
    back = _back_after(after, over, 2 * percentile(_seconds(calm), 0.9) + 0.02)
    others = Counter(one.status for one in offered) - Counter({200: len(served)})
    length = OVERLOAD * len(rounds)
    table(
        [
            ("", "requests/s", "p50", "p95", "p99"),
            ("peak", f"{peak:.0f}", "", "", ""),
            ("calm", f"{len(calm) / (CALM / 2):.0f}", *_times(calm)),
            ("offered", f"{len(offered) / length:.0f}", "", "", ""),
            ("of it served", f"{goodput:.0f}", *_times(served)),
            ("of it refused", f"{len(refused) / length:.0f}", *_times(refused)),
            ("afterwards", f"{len(after) / CALM:.0f}", *_times(after)),
        ]
    )
    print(f"not served: {dict(others)}; calm again after {back:.1f} s")
    shares = {name: fmean(one.shares[name] for one in rounds) for name in rounds[0].shares}
    print("cores used: " + ", ".join(f"{name} {share:.2f}" for name, share in shares.items()))
    return verdict(
        "overload",
        {
            f"goodput {goodput / peak:.0%} of the peak (>= 90 %)": goodput >= 0.9 * peak,
            f"p95 of refusals {milliseconds(_seconds(refused), 0.95)} (<= 10 ms)": percentile(_seconds(refused), 0.95)
            <= AT_ONCE,
            "nothing broke": len(served) + len(refused) == len(offered)
            and all(one.status == 200 for one in after if one.at > over + 5),
            "calm within 5 s": back <= 5,
        },
    )


def _seconds(found: Sequence[Arrival]) -> list[float]:
    return [one.seconds for one in found]


def _times(found: Sequence[Arrival]) -> tuple[str, str, str]:
    seconds = _seconds(found)
    return milliseconds(seconds, 0.5), milliseconds(seconds, 0.95), milliseconds(seconds, 0.99)


def _back_after(found: Sequence[Arrival], over: float, slow: float) -> float:
    """Seconds from the end of the overload to the end of the last half second with a slow or a refused answer."""
    back = 0.0
    for half in range(int(CALM * 2)):
        start = over + half / 2
        these = [one for one in found if start <= one.at < start + 0.5]
        if percentile(_seconds(these), 0.5) > slow or any(one.status != 200 for one in these):
            back = half / 2 + 0.5
    return back
