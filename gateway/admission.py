"""The way into Django: a bounded pool of threads behind a bounded, first-come queue with a deadline.

Invariant: at most WSGI_THREADS requests are in Django, of which at most MAX_CPU_BOUND_REQUESTS came less than SLOW ago, and at most
MAX_QUEUED_REQUESTS wait. One beyond them, one that could not expect a thread within WORTH_WAITING, and one that has waited
for DEADLINE is told to come back, and costs no thread.

Threads of one process take turns at computing, and the loop, which refuses and answers from memory, waits for its turn
among them. So as many are let in as keep the processor busy while one asks the database, and others only in place of
those that turn out to wait for something slow. With four that compute, a refusal took four times as long as with two,
and no more was served.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from django.conf import settings
from prometheus_client import Counter, Gauge

SLOW_AFTER = 0.2
# Well below the 2.5 s after which nginx takes a node that keeps a read waiting for one that hangs.
QUEUE_TIMEOUT, MAX_EXPECTED_WAIT = 1.5, 0.5
EWMA_WEIGHT = 0.05
# How many wait for each that may be inside a lane, and how long; whoever signs in waits rather than tries again.
MAX_QUEUE, LIMITER_TIMEOUT = 8, 5.0
QUEUED_REQUESTS = Gauge("gateway_queued_requests", "Requests that wait for a thread.", multiprocess_mode="livesum")
SHED_REQUESTS = Counter("gateway_shed_requests", "Requests refused because too many waited, or too long.")


class Overloaded(Exception):
    pass


@dataclass(slots=True, eq=False)
class Slot:
    """One request's in Django."""

    began: float
    is_cpu_bound: bool = True
    timer: asyncio.TimerHandle | None = None


class AdmissionControl:
    def __init__(self) -> None:
        self.threads = settings.WSGI_THREADS
        self.max_cpu_bound = min(settings.MAX_CPU_BOUND_REQUESTS, settings.WSGI_THREADS)
        self.active = 0
        self.cpu_bound = 0
        self.seconds = 0.0  # that a request keeps another one waiting, lately
        self.queue: deque[asyncio.Future[Slot]] = deque()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a thread's place for the block; raises Overloaded."""
        if self.should_shed():
            raise Overloaded
        slot = self._take() if self.has_capacity else await self._wait()
        try:
            yield
        finally:
            self._leave(slot)

    def should_shed(self) -> bool:
        """Whether the next one would be told to come back; who asks and is told so obeys, for it is counted."""
        if self.has_capacity:
            return False
        is_full = len(self.queue) >= settings.MAX_QUEUED_REQUESTS or self._expected_wait() > MAX_EXPECTED_WAIT
        if is_full:
            SHED_REQUESTS.inc()
        return is_full

    @property
    def has_capacity(self) -> bool:
        """Nobody waits, and there is a place."""
        return not self.queue and self._has_place

    @property
    def _has_place(self) -> bool:
        return self.cpu_bound < self.max_cpu_bound and self.active < self.threads

    def _expected_wait(self) -> float:
        return len(self.queue) * self.seconds / self.max_cpu_bound

    def _take(self) -> Slot:
        slot = Slot(time.monotonic())
        slot.timer = asyncio.get_running_loop().call_later(SLOW_AFTER, self._mark_slow, slot)
        self.active += 1
        self.cpu_bound += 1
        return slot

    def _mark_slow(self, slot: Slot) -> None:
        slot.is_cpu_bound = False
        self.cpu_bound -= 1
        self._wake_next()

    def _leave(self, slot: Slot) -> None:
        if slot.timer is not None:
            slot.timer.cancel()
        self.active -= 1
        self.cpu_bound -= slot.is_cpu_bound
        self.seconds += EWMA_WEIGHT * (min(SLOW_AFTER, time.monotonic() - slot.began) - self.seconds)
        self._wake_next()

    def _wake_next(self) -> None:
        while self.queue and self._has_place:
            one = self.queue.popleft()
            if not one.done():
                one.set_result(self._take())
        QUEUED_REQUESTS.set(len(self.queue))

    async def _wait(self) -> Slot:
        mine: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        self.queue.append(mine)
        QUEUED_REQUESTS.set(len(self.queue))
        try:
            async with asyncio.timeout(QUEUE_TIMEOUT):
                return await mine
        except TimeoutError:
            SHED_REQUESTS.inc()
            self._abandon(mine)
            raise Overloaded from None
        except asyncio.CancelledError:
            self._abandon(mine)
            raise

    def _abandon(self, mine: asyncio.Future[Slot]) -> None:
        """Wait no longer; one that was called in the same moment gives its place back."""
        if mine.done() and not mine.cancelled():
            self._leave(mine.result())
        elif mine in self.queue:
            self.queue.remove(mine)
            QUEUED_REQUESTS.set(len(self.queue))


class ConcurrencyLimiter:
    """A narrower way to the same threads for what costs much, so that the rest of them stays for everything else.

    Hashing a password takes a processor a tenth of a second: eight strangers who sign in would hold every thread.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.free = asyncio.Semaphore(width)
        self.waiting = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a place for the block; raises Overloaded where too many wait, or one has waited too long."""
        await self._take()
        try:
            yield
        finally:
            self.free.release()

    async def _take(self) -> None:
        if self.waiting >= MAX_QUEUE * self.width:
            SHED_REQUESTS.inc()
            raise Overloaded
        self.waiting += 1
        try:
            async with asyncio.timeout(LIMITER_TIMEOUT):
                await self.free.acquire()
        except TimeoutError:
            SHED_REQUESTS.inc()
            raise Overloaded from None
        finally:
            self.waiting -= 1
