"""Django, a WSGI application, in a pool of threads: one hop in, and one hop out for all but long responses.

Invariant: a response of one part, or of up to CHUNK_SIZE bytes, leaves the thread as a whole, so an error on the way
becomes a 500. A longer one leaves chunk by chunk, no faster than the client takes it, and is never in memory as a
whole. A request stays on its thread, because its database connection does. What the application returned is closed in
every case, also when the client has disconnected.
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
from types import TracebackType
from typing import Any, TypeVar
from wsgiref.types import WSGIApplication

from django.db import close_old_connections

from gateway.request_body import ClientDisconnected, Message, Receive, Scope, Send
from gateway.wsgi_environ import Body, build_environ

CHUNK_SIZE = 128 * 1024
# Seconds; a client that takes nothing for so long gives its thread to others.
CLIENT_TIMEOUT = 30
BODILESS_STATUSES = (204, 304)
# By how much the priority of Django's threads is lower than the event loop's (setpriority(2): 0 to 19).
NICENESS = 10
T = TypeVar("T")
ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


def _lower_priority() -> None:
    """Let the event loop go first where both want the same core. Other processes are not affected."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        thread_id = threading.get_native_id()
        with suppress(OSError):  # a sandbox may forbid it; a pool whose threads cannot start would serve no request
            os.setpriority(os.PRIO_PROCESS, thread_id, os.getpriority(os.PRIO_PROCESS, thread_id) + NICENESS)


class WsgiThreadPool:
    def __init__(self, application: WSGIApplication, workers: int) -> None:
        self.application = application
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix="django", initializer=_lower_priority)

    def close(self) -> None:
        # gunicorn gives its worker a graceful timeout; a request that hangs must not use it up.
        self.pool.shutdown(wait=False, cancel_futures=True)

    def run_query(self, query: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """Run a query on one of the threads; its database connection goes back to the pool afterwards."""

        def run() -> T:
            try:
                return query(*arguments)
            finally:
                # Django does this at the end of each request, and this is none.
                close_old_connections()

        return asyncio.get_running_loop().run_in_executor(self.pool, copy_context().run, run)

    async def __call__(self, scope: Scope, body: Body, receive: Receive, send: Send) -> None:
        """Answer a request whose body has been read, and close the body. Raises ClientDisconnected, and what the application raises."""
        client = StreamingClient(receive, send)
        response = WsgiResponse(scope["method"], client.send_from_thread)

        def call() -> None:
            parts = self.application(build_environ(scope, body), response.start)
            try:
                # Iterating is part of the request: a streaming response queries the database while it is read.
                response.read(parts)
            finally:
                close: Callable[[], None] | None = getattr(parts, "close", None)
                if close is not None:
                    close()

        try:
            # With the context variables of this request, as they are now.
            await asyncio.get_running_loop().run_in_executor(self.pool, copy_context().run, call)
            for message in response.take_messages(more_body=False):
                await send(message)
        finally:
            client.close()
            if not isinstance(body, bytes):
                body.close()


class WsgiResponse:
    """The response of the application, collected in its thread. `send` takes the messages of a long one meanwhile."""

    def __init__(self, method: str, send: Callable[[list[Message]], None]) -> None:
        self.is_head = method == "HEAD"
        self.send = send
        self.head: Message | None = None
        self.has_started = False
        self.parts: list[bytes] = []
        self.size = 0

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None, /
    ) -> Callable[[bytes], None]:
        """WSGI's start_response (PEP 3333); `exc_info` replaces a head that was not sent yet."""
        error = exc_info[1] if exc_info else None
        if error is not None and self.has_started:
            raise error
        if error is None and self.head is not None:
            raise RuntimeError("start_response was called twice.")
        pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.head = {"type": "http.response.start", "status": int(status[:3]), "headers": pairs}
        return self.write

    def read(self, parts: Iterable[bytes]) -> None:
        for part in parts:
            self.write(part)
            # A HEAD or 304 must not pay for a body that nobody gets.
            if self.head is not None and self.has_no_body:
                return

    def write(self, part: bytes) -> None:
        """Add a part. What was collected is sent only when more comes, so one large part leaves as a whole too."""
        if self.size > CHUNK_SIZE and not self.has_no_body:
            self.send(self.take_messages(more_body=True))
        self.parts.append(part)
        self.size += len(part)

    @property
    def has_no_body(self) -> bool:
        return self.is_head or (self.head is not None and self.head["status"] in BODILESS_STATUSES)

    def take_messages(self, *, more_body: bool) -> list[Message]:
        """Return the messages of what was collected since the last call."""
        if self.head is None:
            raise RuntimeError("The application did not call start_response.")
        body = b"" if self.has_no_body else b"".join(self.parts)
        self.parts, self.size = [], 0
        messages: list[Message] = [{"type": "http.response.body", "body": body, "more_body": more_body}]
        if not self.has_started:
            self.has_started = True
            messages.insert(0, self.head)
        return messages


class StreamingClient:
    """The client of a long response: made on the event loop, called from the thread."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.loop = asyncio.get_running_loop()
        self.receive, self.send = receive, send
        self.disconnected: asyncio.Future[None] | None = None
        self.is_closed = False

    def send_from_thread(self, messages: list[Message]) -> None:
        """Wait until the messages are sent. Raises ClientDisconnected."""
        # Back pressure: the thread waits until the server has taken this chunk.
        future = asyncio.run_coroutine_threadsafe(self._send(messages), self.loop)
        try:
            future.result(CLIENT_TIMEOUT)
        except TimeoutError:
            future.cancel()
            raise ClientDisconnected from None

    async def _send(self, messages: list[Message]) -> None:
        if self.disconnected is None:
            self.disconnected = asyncio.ensure_future(self._wait_for_disconnect())
            # One turn of the loop lets the new task see a client that is gone already.
            await asyncio.sleep(0)
        for message in messages:
            if self.is_closed or self.disconnected.done():
                raise ClientDisconnected
            await self.send(message)

    async def _wait_for_disconnect(self) -> None:
        """Wait for the end of the connection. The request was read as a whole, so nothing else can come."""
        with suppress(OSError):
            while (await self.receive())["type"] != "http.disconnect":
                pass

    def close(self) -> None:
        """Stop sending: the response is complete, or its request was cancelled."""
        self.is_closed = True
        if self.disconnected is not None:
            self.disconnected.cancel()
