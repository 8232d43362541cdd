"""Five times the capacity: the work goes on at its best rate, the rest is refused at once, and calm returns quickly.

The capacity is measured first: reads that nothing remembers, as many at a time as there are threads. Then five times
as many a second arrive, whether or not those before them were answered.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from pathlib import Path

import uvloop
from django.core.management import call_command
from django.utils import timezone

from drills.cluster import NODES, Cluster, cluster
from drills.http import Connection
from drills.load import Load, Sample, fetch, seconds
from drills.people import person, shared_project
from drills.report import Progress, milliseconds, percentile, table, verdict
from tasks import services

TIMES = 5
WARM, PEAK, OVERLOAD, CALM = 3.0, 8.0, 12.0, 8.0
THREADS = 8
ADDRESSES, MOST_CONNECTIONS = 8, 2000
TICK = 0.01
AT_ONCE = 0.010


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    with cluster(folder) as parts:
        who = person("Olga")
        project = shared_project("Drill", who)
        for number in range(30):
            draft = services.Draft(title=f"Task {number}")
            services.create_task(actor=who.user, project_ref=project.key, draft=draft, now=timezone.now())
        return uvloop.run(_drill(parts, who.token, f"/api/v1/tasks/?project={project.key}&overdue=false"))


async def _drill(parts: Cluster, token: str, path: str) -> int:
    progress = Progress()
    peak = await _closed(parts, token, path, THREADS * len(NODES), PEAK)
    calm = await _closed(parts, token, path, THREADS // 2, CALM / 2)
    capacity = len(peak) / PEAK
    progress.say(f"capacity: {capacity:.0f}/s")
    offered = await Offered(parts, token, path).run(capacity * TIMES, OVERLOAD)
    over = time.monotonic()
    progress.say(f"offered {len(offered) / OVERLOAD:.0f}/s for {OVERLOAD:.0f} s")
    after = await _closed(parts, token, path, THREADS // 2, CALM, warm=0)
    return _report(capacity, calm, offered, after, over)


async def _closed(
    parts: Cluster, token: str, path: str, many: int, length: float, *, warm: float = WARM
) -> list[Sample]:
    load = Load(fetch(path), [Connection(("127.0.0.1", parts.port), token) for _ in range(many)])
    load.start()
    await asyncio.sleep(warm)
    began = time.monotonic()
    await asyncio.sleep(length)
    await load.stop()
    return load.between(began, began + length)


class Offered:
    """Requests that arrive at a rate of their own, from several addresses, on connections that are kept."""

    def __init__(self, parts: Cluster, token: str, path: str) -> None:
        self.parts, self.token, self.path = parts, token, path
        self.idle: deque[Connection] = deque()
        self.made = 0
        self.samples: list[Sample] = []

    async def run(self, rate: float, length: float) -> list[Sample]:
        began = time.monotonic()
        sent = 0
        async with asyncio.TaskGroup() as group:
            while (passed := time.monotonic() - began) < length:
                while sent < rate * passed:
                    group.create_task(self._one())
                    sent += 1
                await asyncio.sleep(TICK)
        return self.samples

    async def _one(self) -> None:
        at = time.monotonic()
        connection = self.idle.popleft() if self.idle else self._connection()
        answer = await connection.send("GET", self.path)
        self.samples.append(Sample(at, answer))
        self.idle.append(connection)

    def _connection(self) -> Connection:
        self.made += 1
        return Connection(("127.0.0.1", self.parts.port), self.token, local=f"127.0.0.{2 + self.made % ADDRESSES}")


def _report(capacity: float, calm: list[Sample], offered: list[Sample], after: list[Sample], over: float) -> int:
    served = [sample for sample in offered if sample.answer.status == 200]
    refused = [sample for sample in offered if sample.answer.status in (429, 503)]
    began = min(sample.at for sample in offered)
    goodput = sum(1 for s in served if s.at + s.answer.seconds <= began + OVERLOAD) / OVERLOAD
    back = _back_after(after, over, 2 * percentile(seconds(calm), 0.9) + 0.02)
    others = Counter(s.answer.status for s in offered) - Counter({200: len(served)})
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
    return verdict(
        "overload",
        {
            f"goodput {goodput / capacity:.0%} of the peak (>= 90 %)": goodput >= 0.9 * capacity,
            f"p95 of refusals {milliseconds(seconds(refused), 0.95)} (<= 10 ms)": percentile(seconds(refused), 0.95)
            <= AT_ONCE,
            "nothing broke": len(served) + len(refused) == len(offered)
            and all(sample.answer.status == 200 for sample in after if sample.at > over + 5),
            "calm within 5 s": back <= 5,
        },
    )


def _times(samples: list[Sample]) -> tuple[str, str, str]:
    found = seconds(samples)
    return milliseconds(found, 0.5), milliseconds(found, 0.95), milliseconds(found, 0.99)


def _back_after(samples: list[Sample], over: float, slow: float) -> float:
    """Seconds from the end of the overload to the end of the last half second with a slow or a refused answer."""
    back = 0.0
    for half in range(int(CALM * 2)):
        start = over + half / 2
        found = [sample for sample in samples if start <= sample.at < start + 0.5]
        if percentile(seconds(found), 0.5) > slow or any(sample.answer.status != 200 for sample in found):
            back = half / 2 + 0.5
    return back
