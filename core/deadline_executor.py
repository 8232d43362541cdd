"""Questions to somebody else's server: few at once, each with an end, so that one that hangs holds no thread for long.

Invariant: a request waits at most as many seconds as the question has, and of all requests of a process, whatever servers
they ask, so many wait that MAX_CPU_BOUND_REQUESTS threads are left for others. More of them, and for QUIET after one that took too
long all who would ask the same server, are told so at once. A conversation has a thread of its own, because the look-up
of a name cannot be given up from within; it counts against its server, and nobody else's, until it ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from threading import BoundedSemaphore, Thread
from typing import Any, TypeVar

from django.conf import settings

CIRCUIT_OPEN_SECONDS, TIMEOUT_MARGIN = 10.0, 0.1
T = TypeVar("T")


class NoResponse(Exception):
    """There is no answer; `reason` names why for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def no_op() -> None: ...


def _max_concurrent() -> int:
    return max(1, settings.WSGI_THREADS - settings.MAX_CPU_BOUND_REQUESTS)


@cache
def waiting_slots() -> BoundedSemaphore:
    """Whoever waits for any server has a place here; the servers share them."""
    return BoundedSemaphore(_max_concurrent())


class DeadlineExecutor:
    """The way to one server."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.seconds = seconds
        self.connection_slots = BoundedSemaphore(_max_concurrent())
        self.circuit_open_until = 0.0

    def run(self, conversation: Callable[[float], T], cancel: Callable[[], Any] = no_op) -> T:
        """Return what the conversation, told the instant of its end, returns; raises Unanswered, and what it raises.

        `hang_up` is called when nobody waits any more, so that the conversation ends too.
        """
        if time.monotonic() < self.circuit_open_until:
            raise NoResponse("circuit_open")
        place = waiting_slots()
        if not place.acquire(blocking=False):
            raise NoResponse("busy")
        try:
            return self._answer(conversation, cancel)
        finally:
            place.release()

    def _answer(self, conversation: Callable[[float], T], cancel: Callable[[], Any]) -> T:
        if not self.connection_slots.acquire(blocking=False):
            raise NoResponse("busy")
        seconds = self.seconds()
        end = time.monotonic() + seconds
        said: Future[T] = Future()
        Thread(target=self._talk, args=(conversation, end, said), daemon=True, name="outbound").start()
        try:
            return said.result(seconds)
        except TimeoutError:
            if not said.done():
                cancel()
            raise NoResponse("timeout") from None
        finally:
            if time.monotonic() > end - TIMEOUT_MARGIN:
                self.circuit_open_until = time.monotonic() + CIRCUIT_OPEN_SECONDS

    def _talk(self, conversation: Callable[[float], T], end: float, said: Future[T]) -> None:
        try:
            said.set_result(conversation(end))
        except BaseException as error:  # noqa: BLE001 -- it is raised where the result is waited for
            said.set_exception(error)
        finally:
            self.connection_slots.release()
