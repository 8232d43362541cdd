"""Load from many connections at once: so many requests, or requests until told to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from drills.http import Answer, Connection

Ask = Callable[[Connection, int], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One answered request; `at` is when it was sent, on the clock of time.monotonic."""

    at: float
    answer: Answer


async def at_once(connections: Sequence[Connection], requests: int, ask: Ask) -> list[Sample]:
    """Share so many requests among the connections, each busy all the time."""
    numbers = iter(range(requests))
    samples: list[Sample] = []

    async def work(connection: Connection) -> None:
        for number in numbers:
            at = time.monotonic()
            samples.append(Sample(at, await ask(connection, number)))

    await asyncio.gather(*(work(connection) for connection in connections))
    return samples


@dataclass(slots=True)
class Load:
    """Requests on so many connections until `stop`; what was answered is in `samples`."""

    ask: Ask
    connections: Sequence[Connection]
    pause: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    over: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    numbers: count[int] = field(default_factory=count)

    def start(self) -> None:
        self.tasks = [asyncio.create_task(self._work(connection)) for connection in self.connections]

    async def _work(self, connection: Connection) -> None:
        while not self.over:
            at = time.monotonic()
            self.samples.append(Sample(at, await self.ask(connection, next(self.numbers))))
            if self.pause:
                await asyncio.sleep(self.pause)

    async def stop(self) -> None:
        """Let what was begun end."""
        self.over = True
        await asyncio.gather(*self.tasks)

    def between(self, start: float, end: float) -> list[Sample]:
        return [sample for sample in self.samples if start <= sample.at < end]


def failed(samples: Sequence[Sample]) -> int:
    """Broken connections and 5xx."""
    return sum(sample.answer.status == 0 or sample.answer.status >= 500 for sample in samples)


def seconds(samples: Sequence[Sample]) -> list[float]:
    return [sample.answer.seconds for sample in samples]


def fetch(path: str) -> Ask:
    """Ask for this again and again."""

    async def ask(connection: Connection, _number: int) -> Answer:
        return await connection.send("GET", path)

    return ask
