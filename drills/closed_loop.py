"""Closed-loop load: each connection sends its next request when it has the last response."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from drills.http import Connection, Response

SendRequest = Callable[[Connection, int], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One request and its response; `at` is when it was sent (time.monotonic)."""

    at: float
    response: Response


async def run_requests(connections: Sequence[Connection], requests: int, send_request: SendRequest) -> list[Sample]:
    """Send this number of requests over all connections and return their samples."""
    numbers = iter(range(requests))
    samples: list[Sample] = []

    async def work(connection: Connection) -> None:
        for number in numbers:
            at = time.monotonic()
            samples.append(Sample(at, await send_request(connection, number)))

    await asyncio.gather(*(work(connection) for connection in connections))
    return samples


@dataclass(slots=True)
class ClosedLoopLoad:
    """Load on all connections until `stop()`; each waits `pause` seconds between its requests."""

    send_request: SendRequest
    connections: Sequence[Connection]
    pause: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    stopped: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    numbers: count[int] = field(default_factory=count)

    def start(self) -> None:
        self.tasks = [asyncio.create_task(self._work(connection)) for connection in self.connections]

    async def _work(self, connection: Connection) -> None:
        while not self.stopped:
            at = time.monotonic()
            self.samples.append(Sample(at, await self.send_request(connection, next(self.numbers))))
            if self.pause:
                await asyncio.sleep(self.pause)

    async def stop(self) -> None:
        """Send no more requests, and wait for the pending responses."""
        self.stopped = True
        await asyncio.gather(*self.tasks)

    def between(self, start: float, end: float) -> list[Sample]:
        return [sample for sample in self.samples if start <= sample.at < end]


def count_failed(samples: Sequence[Sample]) -> int:
    """Count broken connections and 5xx responses."""
    return sum(sample.response.status == 0 or sample.response.status >= 500 for sample in samples)


def durations(samples: Sequence[Sample]) -> list[float]:
    """Return the response times in seconds."""
    return [sample.response.seconds for sample in samples]


def get_request(path: str) -> SendRequest:
    """Return a function that sends GET requests to one path."""

    async def send_request(connection: Connection, _number: int) -> Response:
        return await connection.send("GET", path)

    return send_request
