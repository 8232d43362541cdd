"""The way into Django: a bounded pool of threads behind a bounded, first-come queue with a deadline.

Invariant: at most THREADS requests are in Django and at most WAITING_REQUESTS wait. One beyond them, one that could
not expect a thread within WORTH_WAITING, and one that has waited for DEADLINE is told to come back, and costs no thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from django.conf import settings
from prometheus_client import Counter, Gauge

# Well below the 2.5 s after which nginx takes a node that keeps a read waiting for one that hangs.
DEADLINE, WORTH_WAITING = 1.5, 0.5
WEIGHT = 0.05
WAITING = Gauge("gateway_waiting_requests", "Requests that wait for a thread.", multiprocess_mode="livesum")
REFUSED = Counter("gateway_refused_requests", "Requests refused because too many waited, or too long.")


class Overloaded(Exception):
    pass


class Admission:
    def __init__(self) -> None:
        self.threads = settings.THREADS
        self.waiting = 0
        self.seconds = 0.0  # that a request holds a thread, lately
        self.free: asyncio.Semaphore | None = None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a thread's place for the block; raises Overloaded."""
        if self.free is None:
            self.free = asyncio.Semaphore(self.threads)
        if self.waiting >= settings.WAITING_REQUESTS or self._expected_wait() > WORTH_WAITING:
            REFUSED.inc()
            raise Overloaded
        await self._wait(self.free)
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds += WEIGHT * (time.monotonic() - began - self.seconds)
            self.free.release()

    def _expected_wait(self) -> float:
        return self.waiting * self.seconds / self.threads

    async def _wait(self, free: asyncio.Semaphore) -> None:
        if not free.locked():
            await free.acquire()
            return
        self.waiting += 1
        WAITING.set(self.waiting)
        try:
            await asyncio.wait_for(free.acquire(), DEADLINE)
        except TimeoutError:
            REFUSED.inc()
            raise Overloaded from None
        finally:
            self.waiting -= 1
            WAITING.set(self.waiting)
