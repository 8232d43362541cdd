"""Admission control: a bounded pool of threads behind a bounded, first-come queue with a deadline.

Invariant: at most WSGI_THREADS requests are in Django, of which at most MAX_CPU_BOUND_REQUESTS came less than
SLOW_AFTER ago, and at most MAX_QUEUED_REQUESTS wait. A request beyond them is shed at once, and so is one that could
not expect a thread within the time it may wait and one that has waited for so long; none of these costs a thread.

Threads of one process take turns at computing, and the event loop, which sheds load and serves the cache, takes its
turn among them. So as many are let in as keep the processor busy while one waits for the database, and others only in
place of those that turn out to wait for something slow. With four that compute, shedding a request took four times as
long as with two, and no more were served.
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

# All in seconds.
SLOW_AFTER = 0.2
# How long a request may wait for a thread. A team's writes are served however slow the machine is. A read waits for less
# than the 2.5 s after which nginx takes a node that keeps a read waiting for one that hangs.
MAX_READ_WAIT, MAX_WRITE_WAIT = 2.0, 10.0
# Of the newest duration in the moving average: about the last twenty requests count.
EWMA_WEIGHT = 0.05
# For each that may be inside a concurrency limiter, how many wait, and how long: a sign-in waits rather than tries again.
MAX_QUEUE, LIMITER_TIMEOUT = 32, 10.0
QUEUED_REQUESTS = Gauge("gateway_queued_requests", "Requests that wait for a thread.", multiprocess_mode="livesum")
SHED_REQUESTS = Counter("gateway_shed_requests", "Requests shed because too many waited, or too long.")


class Overloaded(Exception):
    pass


@dataclass(slots=True, eq=False)
class Slot:
    """The place of one request in Django. It counts as CPU-bound until it is slow, which means it waits for something."""

    started_at: float
    is_cpu_bound: bool = True
    timer: asyncio.TimerHandle | None = None


class AdmissionControl:
    def __init__(self) -> None:
        self.threads = settings.WSGI_THREADS
        self.max_cpu_bound = min(settings.MAX_CPU_BOUND_REQUESTS, settings.WSGI_THREADS)
        self.active = 0
        self.cpu_bound = 0
        self.average_seconds = 0.0  # a request in Django keeps another one waiting, as a moving average
        self.queue: deque[asyncio.Future[Slot]] = deque()

    @asynccontextmanager
    async def slot(self, max_wait: float = MAX_READ_WAIT) -> AsyncIterator[None]:
        """Hold a place in Django for the block, after at most `max_wait` seconds. Raises Overloaded."""
        if self.should_shed(max_wait):
            raise Overloaded
        if self.has_capacity:
            slot = self._take()
        else:
            future: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
            self.queue.append(future)
            QUEUED_REQUESTS.set(len(self.queue))
            try:
                async with asyncio.timeout(max_wait):
                    slot = await future
            except TimeoutError:
                SHED_REQUESTS.inc()
                self._abandon(future)
                raise Overloaded from None
            except asyncio.CancelledError:
                self._abandon(future)
                raise
        try:
            yield
        finally:
            self._leave(slot)

    def should_shed(self, max_wait: float) -> bool:
        """Return whether a request that may wait for `max_wait` seconds is to be shed. It is counted as shed then."""
        if self.has_capacity:
            return False
        # Little's law with the average of the last requests: those in front, served so many at a time.
        expected_wait = len(self.queue) * self.average_seconds / self.max_cpu_bound
        is_full = len(self.queue) >= settings.MAX_QUEUED_REQUESTS or expected_wait > max_wait
        if is_full:
            SHED_REQUESTS.inc()
        return is_full

    @property
    def has_capacity(self) -> bool:
        """Whether there is a free place and no queue."""
        return not self.queue and self._has_place

    @property
    def _has_place(self) -> bool:
        return self.cpu_bound < self.max_cpu_bound and self.active < self.threads

    def _take(self) -> Slot:
        slot = Slot(time.monotonic())
        slot.timer = asyncio.get_running_loop().call_later(SLOW_AFTER, self._mark_slow, slot)
        self.active += 1
        self.cpu_bound += 1
        return slot

    def _mark_slow(self, slot: Slot) -> None:
        """Count a request as waiting for something; the timer of its slot calls this."""
        slot.is_cpu_bound = False
        # It waits for the database or a network, so another request may compute meanwhile.
        self.cpu_bound -= 1
        self._wake_next()

    def _leave(self, slot: Slot) -> None:
        if slot.timer is not None:
            slot.timer.cancel()
        self.active -= 1
        self.cpu_bound -= slot.is_cpu_bound
        self.average_seconds += EWMA_WEIGHT * (
            # Capped: beyond SLOW_AFTER a request no longer keeps the next one waiting.
            min(SLOW_AFTER, time.monotonic() - slot.started_at) - self.average_seconds
        )
        self._wake_next()

    def _wake_next(self) -> None:
        while self.queue and self._has_place:
            future = self.queue.popleft()
            # One that timed out in this turn of the loop is done, and has left the queue by itself.
            if not future.done():
                future.set_result(self._take())
        QUEUED_REQUESTS.set(len(self.queue))

    def _abandon(self, future: asyncio.Future[Slot]) -> None:
        """Leave the queue; a request that got its place in the same moment gives it back."""
        if future.done() and not future.cancelled():
            self._leave(future.result())
        # _wake_next may have taken it from the queue already.
        elif future in self.queue:
            self.queue.remove(future)
            QUEUED_REQUESTS.set(len(self.queue))


class ConcurrencyLimiter:
    """A bulkhead: at most `width` expensive requests at a time, so that the other threads stay free.

    Hashing a password takes a processor a tenth of a second: eight anonymous sign-ins would hold every thread.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        # asyncio's semaphore wakes its waiters first come, first served.
        self.free = asyncio.Semaphore(width)
        self.waiting = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a place for the block. Raises Overloaded where too many wait, or this one has waited too long."""
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
        try:
            yield
        finally:
            self.free.release()
