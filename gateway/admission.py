"""Admission control: a bounded pool of threads behind a bounded, first-come queue with a deadline.

Invariant: at most WSGI_THREADS requests are in Django, of which at most MAX_CPU_BOUND_REQUESTS came less than
SLOW_AFTER ago, and at most MAX_QUEUED_REQUESTS wait. A request beyond them is shed at once, and so is one that could
not expect a thread within the time it may wait and one that has waited for so long; none of these costs a thread.

Threads of one process take turns at computing, and the event loop, which sheds load and serves the cache, takes its
turn among them. So as many are let in as keep the processor busy while one waits for the database, and others only in
place of those that turn out to wait for something slow. With four that compute, shedding a request took four times as
long as with two, and no more were served.

One slow thing does not stop the others: once a request of a route is slow (a row that somebody holds, an export), that
route may hold half of the threads. Further requests of it wait, and those of other routes go past them.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter as Multiset
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
    route: str = ""
    is_cpu_bound: bool = True
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True, eq=False)
class Waiter:
    """A request in the queue, and the slot that it will get."""

    route: str
    slot: asyncio.Future[Slot]


class AdmissionControl:
    def __init__(self) -> None:
        self.threads = settings.WSGI_THREADS
        self.max_cpu_bound = min(settings.MAX_CPU_BOUND_REQUESTS, settings.WSGI_THREADS)
        self.active = 0
        self.cpu_bound = 0
        self.average_seconds = 0.0  # a request in Django keeps another one waiting, as a moving average
        self.queue: deque[Waiter] = deque()
        self.active_by_route: Multiset[str] = Multiset()
        self.slow_by_route: Multiset[str] = Multiset()

    @asynccontextmanager
    async def slot(self, max_wait: float = MAX_READ_WAIT, route: str = "") -> AsyncIterator[None]:
        """Hold a place in Django for the block, after at most `max_wait` seconds. Raises Overloaded.

        `route` is the method and path template of a request; a lookup of the gateway itself has none, and no bound.
        """
        if self.should_shed(max_wait, route):
            raise Overloaded
        if self.has_capacity(route):
            slot = self._take(route)
        else:
            waiter = Waiter(route, asyncio.get_running_loop().create_future())
            self.queue.append(waiter)
            QUEUED_REQUESTS.set(len(self.queue))
            try:
                async with asyncio.timeout(max_wait):
                    slot = await waiter.slot
            except TimeoutError:
                SHED_REQUESTS.inc()
                self._abandon(waiter)
                raise Overloaded from None
            except asyncio.CancelledError:
                self._abandon(waiter)
                raise
        try:
            yield
        finally:
            self._leave(slot)

    def should_shed(self, max_wait: float, route: str = "") -> bool:
        """Return whether a request that may wait for `max_wait` seconds is to be shed. It is counted as shed then."""
        if self.has_capacity(route):
            return False
        ahead = sum(waiter.route == route or self._may_enter(waiter.route) for waiter in self.queue)
        # Little's law with the average of the last requests: those in front, served so many at a time.
        expected_wait = ahead * self.average_seconds / self.max_cpu_bound
        # A route that is held up must not fill the queue with its own requests.
        limit = settings.MAX_QUEUED_REQUESTS if self._may_enter(route) else settings.MAX_QUEUED_REQUESTS // 2
        is_full = len(self.queue) >= settings.MAX_QUEUED_REQUESTS or ahead >= limit or expected_wait > max_wait
        if is_full:
            SHED_REQUESTS.inc()
        return is_full

    def has_capacity(self, route: str) -> bool:
        """Return whether a request of this route gets a place at once."""
        # Where there is a place, all in the queue are of routes that may not enter now.
        return self._has_place and self._may_enter(route)

    @property
    def _has_place(self) -> bool:
        return self.cpu_bound < self.max_cpu_bound and self.active < self.threads

    def _may_enter(self, route: str) -> bool:
        """Return whether the route may take a thread: it has no slow request, or fewer than its share."""
        return not route or not self.slow_by_route[route] or self.active_by_route[route] < max(1, self.threads // 2)

    def _take(self, route: str) -> Slot:
        slot = Slot(time.monotonic(), route)
        slot.timer = asyncio.get_running_loop().call_later(SLOW_AFTER, self._mark_slow, slot)
        self.active += 1
        self.cpu_bound += 1
        self.active_by_route[route] += 1
        return slot

    def _mark_slow(self, slot: Slot) -> None:
        """Count a request as waiting for something; the timer of its slot calls this."""
        slot.is_cpu_bound = False
        self.slow_by_route[slot.route] += 1
        # It waits for the database or a network, so another request may compute meanwhile.
        self.cpu_bound -= 1
        self._wake_next()

    def _leave(self, slot: Slot) -> None:
        if slot.timer is not None:
            slot.timer.cancel()
        self.active -= 1
        self.cpu_bound -= slot.is_cpu_bound
        _decrement(self.active_by_route, slot.route)
        if not slot.is_cpu_bound:
            _decrement(self.slow_by_route, slot.route)
        self.average_seconds += EWMA_WEIGHT * (
            # Capped: beyond SLOW_AFTER a request no longer keeps the next one waiting.
            min(SLOW_AFTER, time.monotonic() - slot.started_at) - self.average_seconds
        )
        self._wake_next()

    def _wake_next(self) -> None:
        while self._has_place:
            waiter = next((waiter for waiter in self.queue if self._may_enter(waiter.route)), None)
            if waiter is None:
                break
            self.queue.remove(waiter)
            # One that timed out in this turn of the loop is done, and leaves the queue by itself.
            if not waiter.slot.done():
                waiter.slot.set_result(self._take(waiter.route))
        QUEUED_REQUESTS.set(len(self.queue))

    def _abandon(self, waiter: Waiter) -> None:
        """Leave the queue; a request that got its place in the same moment gives it back."""
        if waiter.slot.done() and not waiter.slot.cancelled():
            self._leave(waiter.slot.result())
        # _wake_next may have taken it from the queue already.
        elif waiter in self.queue:
            self.queue.remove(waiter)
            QUEUED_REQUESTS.set(len(self.queue))


def _decrement(counts: Multiset[str], route: str) -> None:
    """Count one less; a route without requests leaves no entry, so that the counts stay small."""
    counts[route] -= 1
    if not counts[route]:
        del counts[route]


class ConcurrencyLimiter:
    """A bulkhead: at most `width` expensive requests at a time, so that the other threads stay free.

    Hashing a password takes a processor a tenth of a second: eight anonymous sign-ins would hold every thread. Routes
    take turns, so that many who register at once do not keep others from signing in.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.active = 0
        # The waiting requests by route. The first route is the next one; a dict keeps the order of insertion.
        self.queues: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def waiting(self) -> int:
        return sum(map(len, self.queues.values()))

    @asynccontextmanager
    async def slot(self, route: str = "") -> AsyncIterator[None]:
        """Hold a place for the block. Raises Overloaded where too many wait, or this one has waited too long."""
        if self.active < self.width:
            self.active += 1
        else:
            await self._wait(self.queues.setdefault(route, deque()))
        try:
            yield
        finally:
            self._leave()

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        if len(queue) >= MAX_QUEUE * self.width:
            SHED_REQUESTS.inc()
            raise Overloaded
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(place)
        try:
            async with asyncio.timeout(LIMITER_TIMEOUT):
                await place
        except TimeoutError:
            SHED_REQUESTS.inc()
            self._abandon(queue, place)
            raise Overloaded from None
        except asyncio.CancelledError:
            self._abandon(queue, place)
            raise

    def _abandon(self, queue: deque[asyncio.Future[None]], place: asyncio.Future[None]) -> None:
        """Leave the queue; a request that got its place in the same moment passes it on."""
        if place.done() and not place.cancelled():
            self._leave()
        elif place in queue:
            queue.remove(place)

    def _leave(self) -> None:
        """Pass the place on to the first request of the next route, or free it."""
        while self.queues:
            route, queue = next(iter(self.queues.items()))
            place = queue.popleft() if queue else None
            # To the end: the other routes are served before this one's next request.
            del self.queues[route]
            if queue:
                self.queues[route] = queue
            if place is not None and not place.done():
                place.set_result(None)
                return
        self.active -= 1
