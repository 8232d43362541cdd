"""Calls of other servers with a deadline: few at once, so that a server that hangs holds no thread for long.

Invariant: a request waits at most as long as the call's deadline. Of all requests of a process, whatever servers they
call, so many wait at most that MAX_CPU_BOUND_REQUESTS threads are left for others; more of them fail at once, and so do
all calls of a server for CIRCUIT_OPEN_SECONDS after one that timed out (circuit breaker). A call has a thread of its
own, because a name lookup cannot be cancelled from within; it counts against its server, and no other, until it ends.
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
    """The call has no result; `reason` is for the log: `timeout`, `busy` or `circuit_open`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def no_op() -> None: ...


def _max_concurrent() -> int:
    return max(1, settings.WSGI_THREADS - settings.MAX_CPU_BOUND_REQUESTS)


@cache
def waiting_slots() -> BoundedSemaphore:
    """Return the slots of all requests that wait for any server."""
    return BoundedSemaphore(_max_concurrent())


class DeadlineExecutor:
    """Runs the calls of one server. `seconds` returns the deadline."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.seconds = seconds
        self.connection_slots = BoundedSemaphore(_max_concurrent())
        self.circuit_open_until = 0.0

    def run(self, call: Callable[[float], T], cancel: Callable[[], Any] = no_op) -> T:
        """Return the result of `call`, which gets its deadline on the monotonic clock.

        `cancel` is called after the deadline, to make `call` end. Raises NoResponse, and what `call` raises.
        """
        if time.monotonic() < self.circuit_open_until:
            raise NoResponse("circuit_open")
        slots = waiting_slots()
        # Not waiting: to queue for a slow server would occupy the thread just as well.
        if not slots.acquire(blocking=False):
            raise NoResponse("busy")
        try:
            # Given back by the thread itself: a call that outlives its deadline still occupies the server.
            if not self.connection_slots.acquire(blocking=False):
                raise NoResponse("busy")
            seconds = self.seconds()
            deadline = time.monotonic() + seconds
            future: Future[T] = Future()

            def work() -> None:
                try:
                    future.set_result(call(deadline))
                except BaseException as error:  # noqa: BLE001 -- it is raised where the result is waited for
                    future.set_exception(error)
                finally:
                    self.connection_slots.release()

            # daemon: a call that hangs must not keep the process from ending.
            Thread(target=work, daemon=True, name="outbound").start()
            try:
                return future.result(seconds)
            except TimeoutError:
                if not future.done():
                    cancel()
                raise NoResponse("timeout") from None
            finally:
                # A call that gave up by itself just before the deadline counts as one that timed out.
                if time.monotonic() > deadline - TIMEOUT_MARGIN:
                    self.circuit_open_until = time.monotonic() + CIRCUIT_OPEN_SECONDS
        finally:
            slots.release()
