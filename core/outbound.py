"""Questions to somebody else's server: few at once, each with an end, so that one that hangs holds no thread for long.

Invariant: a request waits at most as many seconds as the question has, and of all requests of a process, whatever servers
they ask, so many wait that QUICK_REQUESTS threads are left for others. More of them, and for QUIET after one that took too
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

QUIET, NEARLY = 10.0, 0.1
A = TypeVar("A")


class Unanswered(Exception):
    """There is no answer; `reason` names why for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def nothing() -> None: ...


def _most() -> int:
    return max(1, settings.THREADS - settings.QUICK_REQUESTS)


@cache
def may_wait() -> BoundedSemaphore:
    """Whoever waits for any server has a place here; the servers share them."""
    return BoundedSemaphore(_most())


class Outbound:
    """The way to one server."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.seconds = seconds
        self.may_talk = BoundedSemaphore(_most())
        self.quiet_until = 0.0

    def hold(self, conversation: Callable[[float], A], hang_up: Callable[[], Any] = nothing) -> A:
        """Return what the conversation, told the instant of its end, returns; raises Unanswered, and what it raises.

        `hang_up` is called when nobody waits any more, so that the conversation ends too.
        """
        if time.monotonic() < self.quiet_until:
            raise Unanswered("hung_lately")
        place = may_wait()
        if not place.acquire(blocking=False):
            raise Unanswered("busy")
        try:
            return self._answer(conversation, hang_up)
        finally:
            place.release()

    def _answer(self, conversation: Callable[[float], A], hang_up: Callable[[], Any]) -> A:
        if not self.may_talk.acquire(blocking=False):
            raise Unanswered("busy")
        seconds = self.seconds()
        end = time.monotonic() + seconds
        said: Future[A] = Future()
        Thread(target=self._talk, args=(conversation, end, said), daemon=True, name="outbound").start()
        try:
            return said.result(seconds)
        except TimeoutError:
            if not said.done():
                hang_up()
            raise Unanswered("timeout") from None
        finally:
            if time.monotonic() > end - NEARLY:
                self.quiet_until = time.monotonic() + QUIET

    def _talk(self, conversation: Callable[[float], A], end: float, said: Future[A]) -> None:
        try:
            said.set_result(conversation(end))
        except BaseException as error:  # noqa: BLE001 -- it is raised where the result is waited for
            said.set_exception(error)
        finally:
            self.may_talk.release()
