"""Requests that arrive at a rate of their own, whether or not those before them were answered.

One request costs this process some 30 microseconds, so that of two cores the load itself takes next to nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import cast

TICK = 0.002
ADDRESSES = 8
GIVEN_UP = 10.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """`status` is 0 when no whole answer came."""

    at: float
    seconds: float
    status: int


class Line(asyncio.Protocol):
    """One connection, which is kept; one request at a time."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals = arrivals
        self.transport: asyncio.Transport | None = None
        self.sent_at = 0.0
        self.is_busy = False
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's, which is one without saying so

    def ask(self, at: float) -> None:
        assert self.transport is not None
        self.sent_at, self.is_busy, self.received = at, True, b""
        self.transport.write(self.arrivals.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if (status := _status_of(self.received)) and self.is_busy:
            self._end(status)
            self.arrivals.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.is_busy:
            self._end(0)

    def _end(self, status: int) -> None:
        self.is_busy = False
        self.arrivals.samples.append(Arrival(self.sent_at, time.monotonic() - self.sent_at, status))


def _status_of(answer: bytes) -> int:
    """Return the status of a whole answer, 0 as long as a part is missing."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return 0
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    is_whole = len(body) >= int(rest.split(b"\r\n", 1)[0]) if found else body.endswith(b"0\r\n\r\n")
    return int(head[9:12]) if is_whole else 0


@dataclass(slots=True)
class Arrivals:
    """From several addresses, because nginx bounds the connections of one."""

    port: int
    request: bytes
    samples: list[Arrival] = field(default_factory=list)
    idle: deque[Line] = field(default_factory=deque)
    made: int = 0
    opening: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, rate: float, length: float) -> list[Arrival]:
        began, sent = time.monotonic(), 0
        while (passed := time.monotonic() - began) < length:
            while sent < rate * passed:
                self._arrive()
                sent += 1
            await asyncio.sleep(TICK)
        await self._end(sent)
        return self.samples

    def _arrive(self) -> None:
        at = time.monotonic()
        while self.idle:
            line = self.idle.popleft()
            if line.transport is not None:
                line.ask(at)
                return
        task = asyncio.create_task(self._open(at))
        self.opening.add(task)
        task.add_done_callback(self.opening.discard)

    async def _open(self, at: float) -> None:
        self.made += 1
        local = (f"127.0.0.{2 + self.made % ADDRESSES}", 0)
        try:
            _, line = await asyncio.get_running_loop().create_connection(
                lambda: Line(self), "127.0.0.1", self.port, local_addr=local
            )
        except OSError:
            self.samples.append(Arrival(at, time.monotonic() - at, 0))
            return
        line.ask(at)

    async def _end(self, sent: int) -> None:
        """Wait for the answers that are still to come."""
        until = time.monotonic() + GIVEN_UP
        while len(self.samples) < sent and time.monotonic() < until:
            await asyncio.sleep(TICK)
        missing = sent - len(self.samples)
        self.samples += [Arrival(until, GIVEN_UP, 0)] * missing


def get(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
