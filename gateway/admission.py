"""The way into Django: a bounded pool of threads behind a bounded, first-come queue with a deadline.

Invariant: at most THREADS requests are in Django and at most WAITING_REQUESTS wait; one beyond them, or one that has
waited for DEADLINE, is told at once to come back, and costs no thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from django.conf import settings
from prometheus_client import Counter, Gauge

DEADLINE = 2.0  # nginx takes a node that keeps a read waiting for 2.5 s for one that hangs
WAITING = Gauge("gateway_waiting_requests", "Requests that wait for a thread.", multiprocess_mode="livesum")
REFUSED = Counter("gateway_refused_requests", "Requests refused because too many waited, or too long.")


class Overloaded(Exception):
    pass


class Admission:
    def __init__(self) -> None:
        self.threads = settings.THREADS
        self.waiting = 0
        self.free: asyncio.Semaphore | None = None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a thread's place for the block; raises Overloaded."""
        if self.free is None:
            self.free = asyncio.Semaphore(self.threads)
        if self.waiting >= settings.WAITING_REQUESTS:
            REFUSED.inc()
            raise Overloaded
        await self._wait(self.free)
        try:
            yield
        finally:
            self.free.release()

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
