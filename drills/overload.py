"""Five times the capacity: the work goes on at its best rate, the rest is refused at once, and calm returns quickly.

The capacity is measured first: reads that nothing remembers, as many at a time as there are threads. Then five times
as many a second arrive, whether or not those before them were answered.

The load stands for machines of its own, yet it shares these cores with what it loads. So the nodes give way to it (they
run at a lower priority), or a refusal's time would be the time for which the load itself had to wait for a core; and
what the load and nginx take of the processor while they deal with refusals is printed, because the nodes cannot have it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

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
WARM, PEAK, OVERLOAD, CALM = 3.0, 8.0, 12.0, 8.0
AT_ONCE = 0.010
GIVE_WAY = ["nice", "-n", "5"]


class Yielding(Cluster):
    """The production shape, whose nodes let the load go first."""

    def command(self, name: str) -> list[str]:
        command = super().command(name)
        return [*GIVE_WAY, *command] if name in NODES else command


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with Yielding(folder) as parts:
        parts.start_all()
        who = person("Olga")
        project = shared_project("Drill", who)
        for number in range(30):
            draft = services.Draft(title=f"Task {number}")
            services.create_task(actor=who.user, project_ref=project.key, draft=draft, now=timezone.now())
        return uvloop.run(_drill(parts, who.token, f"/api/v1/tasks/?project={project.key}&overdue=false"))


async def _drill(parts: Cluster, token: str, path: str) -> int:
    progress = Progress()
    peak = await _closed(parts, token, path, settings.THREADS * len(NODES), PEAK)
    calm = await _closed(parts, token, path, settings.THREADS // 2, CALM / 2)
    capacity = len(peak) / PEAK
    progress.say(f"capacity: {capacity:.0f}/s")
    used = _processor_seconds(parts)
    offered = await Arrivals(parts.port, get(path, token)).run(capacity * TIMES, OVERLOAD)
    over = time.monotonic()
    shares = {name: (after - used[name]) / OVERLOAD for name, after in _processor_seconds(parts).items()}
    progress.say(f"offered {len(offered) / OVERLOAD:.0f}/s for {OVERLOAD:.0f} s")
    after = await _closed(parts, token, path, settings.THREADS // 2, CALM, warm=0)
    return _report(capacity, calm, offered, after, over, shares)


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


def _report(
    capacity: float,
    calm: Sequence[Arrival],
    offered: Sequence[Arrival],
    after: Sequence[Arrival],
    over: float,
    shares: dict[str, float],
) -> int:
    served = [one for one in offered if one.status == 200]
    refused = [one for one in offered if one.status in (429, 503)]
    began = min(one.at for one in offered)
    goodput = sum(one.at + one.seconds <= began + OVERLOAD for one in served) / OVERLOAD
    back = _back_after(after, over, 2 * percentile(_seconds(calm), 0.9) + 0.02)
    others = Counter(one.status for one in offered) - Counter({200: len(served)})
    table(
        [
            ("", "requests/s", "p50", "p95", "p99"),
            ("capacity", f"{capacity:.0f}", "", "", ""),
            ("calm", f"{len(calm) / (CALM / 2):.0f}", *_times(calm)),
            ("offered", f"{len(offered) / OVERLOAD:.0f}", "", "", ""),
            ("of it served", f"{goodput:.0f}", *_times(served)),
            ("of it refused", f"{len(refused) / OVERLOAD:.0f}", *_times(refused)),
            ("afterwards", f"{len(after) / CALM:.0f}", *_times(after)),
        ]
    )
    print(f"not served: {dict(others)}; calm again after {back:.1f} s")
    print("cores used: " + ", ".join(f"{name} {share:.2f}" for name, share in shares.items()))
    return verdict(
        "overload",
        {
            f"goodput {goodput / capacity:.0%} of the peak (>= 90 %)": goodput >= 0.9 * capacity,
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
