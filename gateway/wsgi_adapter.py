"""Django, which is WSGI, in a pool of threads: one hop in, and for all but long answers one hop out.

Invariant: an answer of one part, or of up to PIECE bytes, leaves the thread as a whole, so one that fails on the way
becomes a 500; a longer one leaves piece by piece, no faster than its reader takes it, and never as a whole in memory.
A request stays on its thread, because its database connection does; what the application returned is closed in every
case, also when the reader has gone.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import Any, TypeVar
from wsgiref.types import WSGIApplication

from gateway.request_body import ClientDisconnected, Message, Receive, Scope, Send
from gateway.wsgi_environ import build_environ

CHUNK_SIZE = 128 * 1024
# A reader who takes nothing for so long gives its thread to others.
CLIENT_TIMEOUT = 30
BODILESS_STATUSES = (204, 304)
# By so much the priority of Django's threads is lower than the loop's (setpriority(2): 0 to 19).
NICENESS = 10
A = TypeVar("A")
B = TypeVar("B")
ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


def _lower_priority() -> None:
    """Let the loop go first wherever both want the same core; other processes are not meant."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        me = threading.get_native_id()
        with suppress(OSError):  # a sandbox may forbid it; a pool whose threads cannot begin would serve nobody
            os.setpriority(os.PRIO_PROCESS, me, os.getpriority(os.PRIO_PROCESS, me) + NICENESS)


class WsgiThreadPool:
    def __init__(self, application: WSGIApplication, workers: int) -> None:
        self.application = application
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix="django", initializer=_lower_priority)

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)

    def run(self, work: Callable[[A], B], argument: A) -> asyncio.Future[B]:
        """Do something else on one of the threads, with the caller's context."""
        return asyncio.get_running_loop().run_in_executor(self.pool, copy_context().run, work, argument)

    async def __call__(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Answer a request whose body has been read; raises ClientGone, and whatever the application raises."""
        reader = StreamingClient(receive, send)
        answer = WsgiResponse(scope["method"], reader.take)
        try:
            await self.run(partial(self._serve, build_environ(scope, body)), answer)
            for message in answer.rest():
                await send(message)
        finally:
            reader.leave()

    def _serve(self, environ: dict[str, Any], answer: WsgiResponse) -> None:
        parts = self.application(environ, answer.start)
        try:
            answer.read(parts)
        finally:
            close: Callable[[], None] | None = getattr(parts, "close", None)
            if close is not None:
                close()


class WsgiResponse:
    """What the application says, gathered in its thread."""

    def __init__(self, method: str, pass_on: Callable[[list[Message]], None]) -> None:
        self.is_head = method == "HEAD"
        self.pass_on = pass_on
        self.head: Message | None = None
        self.has_begun = False
        self.parts: list[bytes] = []
        self.size = 0

    def start(
        self, status: str, headers: list[tuple[str, str]], failure: ExcInfo | None = None, /
    ) -> Callable[[bytes], None]:
        error = failure[1] if failure else None
        if error is not None and self.has_begun:
            raise error
        if error is None and self.head is not None:
            raise RuntimeError("start_response was called twice.")
        pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.head = {"type": "http.response.start", "status": int(status[:3]), "headers": pairs}
        return self.write

    def read(self, parts: Iterable[bytes]) -> None:
        for part in parts:
            self.write(part)
            if self.head is not None and self.has_no_body:
                return

    def write(self, part: bytes) -> None:
        """What is there goes out only when more comes, so one large part is an answer as a whole too."""
        if self.size > CHUNK_SIZE and not self.has_no_body:
            self.pass_on(self._gathered(more=True))
        self.parts.append(part)
        self.size += len(part)

    def rest(self) -> list[Message]:
        return self._gathered(more=False)

    @property
    def has_no_body(self) -> bool:
        return self.is_head or (self.head is not None and self.head["status"] in BODILESS_STATUSES)

    def _gathered(self, *, more: bool) -> list[Message]:
        if self.head is None:
            raise RuntimeError("The application did not call start_response.")
        body = b"" if self.has_no_body else b"".join(self.parts)
        self.parts, self.size = [], 0
        messages: list[Message] = [{"type": "http.response.body", "body": body, "more_body": more}]
        if not self.has_begun:
            self.has_begun = True
            messages.insert(0, self.head)
        return messages


class StreamingClient:
    """Who takes a long answer; made on the loop, called from the thread."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.loop = asyncio.get_running_loop()
        self.receive, self.send = receive, send
        self.gone: asyncio.Future[None] | None = None
        self.is_over = False

    def take(self, messages: list[Message]) -> None:
        """Wait until the messages are sent; raises ClientGone."""
        sent = asyncio.run_coroutine_threadsafe(self._take(messages), self.loop)
        try:
            sent.result(CLIENT_TIMEOUT)
        except TimeoutError:
            sent.cancel()
            raise ClientDisconnected from None

    async def _take(self, messages: list[Message]) -> None:
        if self.gone is None:
            self.gone = asyncio.ensure_future(self._wait())
            await asyncio.sleep(0)
        for message in messages:
            if self.is_over or self.gone.done():
                raise ClientDisconnected
            await self.send(message)

    async def _wait(self) -> None:
        """The request was read as a whole, so nothing but the end of the connection can come."""
        with suppress(OSError):
            while (await self.receive())["type"] != "http.disconnect":
                pass

    def leave(self) -> None:
        """Nobody waits for the answer any more: it is finished, or its request was given up."""
        self.is_over = True
        if self.gone is not None:
            self.gone.cancel()
