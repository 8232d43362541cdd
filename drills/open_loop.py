"""Requests that arrive at a rate of their own, whether or not those before them were answered.

One request costs this process some 30 microseconds, so that of two cores the load itself takes next to nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import cast

POLL_INTERVAL = 0.002
CLIENT_ADDRESSES = 8
REQUEST_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class RequestSample:
    """`status` is 0 when no whole answer came."""

    at: float
    seconds: float
    status: int


class PersistentConnection(asyncio.Protocol):
    """One connection, which is kept; one request at a time."""

    def __init__(self, arrivals: OpenLoopLoad) -> None:
        self.arrivals = arrivals
        self.transport: asyncio.Transport | None = None
        self.started_at = 0.0
        self.in_flight = False
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's, which is one without saying so

    def ask(self, at: float) -> None:
        assert self.transport is not None
        self.started_at, self.in_flight, self.received = at, True, b""
        self.transport.write(self.arrivals.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if (status := _complete_status(self.received)) and self.in_flight:
            self._end(status)
            self.arrivals.idle_connections.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.in_flight:
            self._end(0)

    def _end(self, status: int) -> None:
        self.in_flight = False
        self.arrivals.samples.append(RequestSample(self.started_at, time.monotonic() - self.started_at, status))


def _complete_status(answer: bytes) -> int:
    """Return the status of a whole answer, 0 as long as a part is missing."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return 0
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    is_whole = len(body) >= int(rest.split(b"\r\n", 1)[0]) if found else body.endswith(b"0\r\n\r\n")
    return int(head[9:12]) if is_whole else 0


@dataclass(slots=True)
class OpenLoopLoad:
    """From several addresses, because nginx bounds the connections of one."""

    port: int
    request: bytes
    samples: list[RequestSample] = field(default_factory=list)
    idle_connections: deque[PersistentConnection] = field(default_factory=deque)
    opened_count: int = 0
    pending_opens: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, rate: float, length: float) -> list[RequestSample]:
        began, sent = time.monotonic(), 0
        while (passed := time.monotonic() - began) < length:
            while sent < rate * passed:
                self._start_request()
                sent += 1
            await asyncio.sleep(POLL_INTERVAL)
        await self._end(sent)
        return self.samples

    def _start_request(self) -> None:
        at = time.monotonic()
        while self.idle_connections:
            line = self.idle_connections.popleft()
            if line.transport is not None:
                line.ask(at)
                return
        task = asyncio.create_task(self._open(at))
        self.pending_opens.add(task)
        task.add_done_callback(self.pending_opens.discard)

    async def _open(self, at: float) -> None:
        self.opened_count += 1
        local = (f"127.0.0.{2 + self.opened_count % CLIENT_ADDRESSES}", 0)
        try:
            _, line = await asyncio.get_running_loop().create_connection(
                lambda: PersistentConnection(self), "127.0.0.1", self.port, local_addr=local
            )
        except OSError:
            self.samples.append(RequestSample(at, time.monotonic() - at, 0))
            return
        line.ask(at)

    async def _end(self, sent: int) -> None:
        """Wait for the answers that are still to come."""
        until = time.monotonic() + REQUEST_TIMEOUT
        while len(self.samples) < sent and time.monotonic() < until:
            await asyncio.sleep(POLL_INTERVAL)
        missing = sent - len(self.samples)
        self.samples += [RequestSample(until, REQUEST_TIMEOUT, 0)] * missing


def build_get_request(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
