"""Open-loop load: requests arrive at a fixed rate, whether or not earlier ones have a response.

A request costs this process about 30 microseconds, so the load generator hardly competes with the servers.
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
    """One request; `status` is 0 when the response was not complete."""

    at: float
    seconds: float
    status: int


class PersistentConnection(asyncio.Protocol):
    """A connection for one request at a time, reused for the next one."""

    def __init__(self, load: OpenLoopLoad) -> None:
        self.load = load
        self.transport: asyncio.Transport | None = None
        self.started_at = 0.0
        self.in_flight = False
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's class is not a subclass

    def send(self, at: float) -> None:
        assert self.transport is not None
        self.started_at, self.in_flight, self.received = at, True, b""
        self.transport.write(self.load.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if (status := _complete_status(self.received)) and self.in_flight:
            self._end(status)
            self.load.idle_connections.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.in_flight:
            self._end(0)

    def _end(self, status: int) -> None:
        self.in_flight = False
        self.load.samples.append(RequestSample(self.started_at, time.monotonic() - self.started_at, status))


def _complete_status(data: bytes) -> int:
    """Return the status of a complete response, or 0 while bytes are missing."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return 0
    _, length_header, rest = head.lower().partition(b"\r\ncontent-length:")
    is_complete = len(body) >= int(rest.split(b"\r\n", 1)[0]) if length_header else body.endswith(b"0\r\n\r\n")
    return int(head[9:12]) if is_complete else 0


@dataclass(slots=True)
class OpenLoopLoad:
    """Sends one request at a fixed rate, from several addresses: nginx limits the connections of each."""

    port: int
    request: bytes
    samples: list[RequestSample] = field(default_factory=list)
    idle_connections: deque[PersistentConnection] = field(default_factory=deque)
    opened_count: int = 0
    pending_opens: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, rate: float, seconds: float) -> list[RequestSample]:
        """Send `rate` requests a second for `seconds` and return all samples."""
        started, count = time.monotonic(), 0
        while (passed := time.monotonic() - started) < seconds:
            while count < rate * passed:
                self._start_request()
                count += 1
            await asyncio.sleep(POLL_INTERVAL)
        deadline = time.monotonic() + REQUEST_TIMEOUT
        while len(self.samples) < count and time.monotonic() < deadline:
            await asyncio.sleep(POLL_INTERVAL)
        missing = count - len(self.samples)
        self.samples += [RequestSample(deadline, REQUEST_TIMEOUT, 0)] * missing
        return self.samples

    def _start_request(self) -> None:
        at = time.monotonic()
        while self.idle_connections:
            connection = self.idle_connections.popleft()
            if connection.transport is not None:
                connection.send(at)
                return
        task = asyncio.create_task(self._open(at))
        self.pending_opens.add(task)
        task.add_done_callback(self.pending_opens.discard)

    async def _open(self, at: float) -> None:
        self.opened_count += 1
        local = (f"127.0.0.{2 + self.opened_count % CLIENT_ADDRESSES}", 0)
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: PersistentConnection(self), "127.0.0.1", self.port, local_addr=local
            )
        except OSError:
            self.samples.append(RequestSample(at, time.monotonic() - at, 0))
            return
        connection.send(at)


def build_get_request(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
