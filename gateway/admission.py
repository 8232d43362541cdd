"""The way into Django: a bounded pool of threads behind a bounded, first-come queue with a deadline.

Invariant: at most THREADS requests are in Django, of which at most QUICK_REQUESTS came less than SLOW ago, and at most
WAITING_REQUESTS wait. One beyond them, one that could not expect a thread within WORTH_WAITING, and one that has waited
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

SLOW = 0.2
# Well below the 2.5 s after which nginx takes a node that keeps a read waiting for one that hangs.
DEADLINE, WORTH_WAITING = 1.5, 0.5
WEIGHT = 0.05
# How many wait for each that may be inside a lane, and how long; whoever signs in waits rather than tries again.
LINE, LINE_DEADLINE = 8, 5.0
WAITING = Gauge("gateway_waiting_requests", "Requests that wait for a thread.", multiprocess_mode="livesum")
REFUSED = Counter("gateway_refused_requests", "Requests refused because too many waited, or too long.")


class Overloaded(Exception):
    pass


@dataclass(slots=True, eq=False)
class Place:
    """One request's in Django."""

    began: float
    is_quick: bool = True
    timer: asyncio.TimerHandle | None = None


class Admission:
    def __init__(self) -> None:
        self.threads = settings.THREADS
        self.at_once = min(settings.QUICK_REQUESTS, settings.THREADS)
        self.inside = 0
        self.quick = 0
        self.seconds = 0.0  # that a request keeps another one waiting, lately
        self.queue: deque[asyncio.Future[Place]] = deque()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a thread's place for the block; raises Overloaded."""
        if self.refuses():
            raise Overloaded
        place = self._take() if self.is_calm else await self._wait()
        try:
            yield
        finally:
            self._leave(place)

    def refuses(self) -> bool:
        """Whether the next one would be told to come back; who asks and is told so obeys, for it is counted."""
        if self.is_calm:
            return False
        is_full = len(self.queue) >= settings.WAITING_REQUESTS or self._expected_wait() > WORTH_WAITING
        if is_full:
            REFUSED.inc()
        return is_full

    @property
    def is_calm(self) -> bool:
        """Nobody waits, and there is a place."""
        return not self.queue and self._has_place

    @property
    def _has_place(self) -> bool:
        return self.quick < self.at_once and self.inside < self.threads

    def _expected_wait(self) -> float:
        return len(self.queue) * self.seconds / self.at_once

    def _take(self) -> Place:
        place = Place(time.monotonic())
        place.timer = asyncio.get_running_loop().call_later(SLOW, self._turns_out_slow, place)
        self.inside += 1
        self.quick += 1
        return place

    def _turns_out_slow(self, place: Place) -> None:
        place.is_quick = False
        self.quick -= 1
        self._call_the_next()

    def _leave(self, place: Place) -> None:
        if place.timer is not None:
            place.timer.cancel()
        self.inside -= 1
        self.quick -= place.is_quick
        self.seconds += WEIGHT * (min(SLOW, time.monotonic() - place.began) - self.seconds)
        self._call_the_next()

    def _call_the_next(self) -> None:
        while self.queue and self._has_place:
            one = self.queue.popleft()
            if not one.done():
                one.set_result(self._take())
        WAITING.set(len(self.queue))

    async def _wait(self) -> Place:
        mine: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self.queue.append(mine)
        WAITING.set(len(self.queue))
        try:
            async with asyncio.timeout(DEADLINE):
                return await mine
        except TimeoutError:
            REFUSED.inc()
            self._step_out(mine)
            raise Overloaded from None
        except asyncio.CancelledError:
            self._step_out(mine)
            raise

    def _step_out(self, mine: asyncio.Future[Place]) -> None:
        """Wait no longer; one that was called in the same moment gives its place back."""
        if mine.done() and not mine.cancelled():
            self._leave(mine.result())
        elif mine in self.queue:
            self.queue.remove(mine)
            WAITING.set(len(self.queue))


class Lane:
    """A narrower way to the same threads for what costs much, so that the rest of them stays for everything else.

    Hashing a password takes a processor a tenth of a second: eight strangers who sign in would hold every thread.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.free = asyncio.Semaphore(width)
        self.waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place for the block; raises Overloaded where too many wait, or one has waited too long."""
        await self._take()
        try:
            yield
        finally:
            self.free.release()

    async def _take(self) -> None:
        if self.waiting >= LINE * self.width:
            REFUSED.inc()
            raise Overloaded
        self.waiting += 1
        try:
            async with asyncio.timeout(LINE_DEADLINE):
                await self.free.acquire()
        except TimeoutError:
            REFUSED.inc()
            raise Overloaded from None
        finally:
            self.waiting -= 1
