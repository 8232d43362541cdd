"""ASGI messages: request bodies, read whole and bounded, and what is added to responses.

A thread is taken after the body was read, so a slow sender holds none.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import IO, Any

from django.conf import settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]
# Seconds in the queue after which it is worth asking whether the client is still there.
MIN_WAIT = 0.05
# Of a large body in memory, before it goes to the disk; the rest of it follows in pieces of this size.
SPOOL_BYTES = 1024 * 1024


class BodyTooLarge(Exception):
    pass


class ClientDisconnected(Exception):
    pass


class SpoolFailed(Exception):
    """The disk takes no more of a large body."""


async def read_body(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """Return the whole body, whether or not its length was announced. Raises BodyTooLarge, ClientDisconnected."""
    return b"".join([part async for part in _read_parts(scope, receive, limit)])


async def spool_body(scope: Scope, receive: Receive, *, limit: int) -> IO[bytes]:
    """Return the whole body as a file: in memory while it is small, else on the disk; it has no name there.

    Raises BodyTooLarge, ClientDisconnected, SpoolFailed.
    """
    file: IO[bytes] | None = None
    buffer = bytearray()
    try:
        async for part in _read_parts(scope, receive, limit):
            buffer += part
            if len(buffer) >= SPOOL_BYTES:
                file = file or tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115
                # On a thread, because a disk may make its writer wait, and with it all other requests.
                await asyncio.to_thread(file.write, bytes(buffer))
                buffer.clear()
        if file is None:
            return io.BytesIO(bytes(buffer))
        await asyncio.to_thread(file.write, bytes(buffer))
        await asyncio.to_thread(file.flush)
    except BaseException as error:
        if file is not None:
            with suppress(OSError):  # what is still buffered does not fit either
                file.close()
        if isinstance(error, OSError):
            raise SpoolFailed from error
        raise
    return file


async def _read_parts(scope: Scope, receive: Receive, limit: int) -> AsyncIterator[bytes]:
    # An announced length is refused before anything is read; the count below is for chunked bodies.
    content_length = dict(scope["headers"]).get(b"content-length", b"0")
    if content_length.isdigit() and int(content_length) > limit:
        raise BodyTooLarge
    size, more_body = 0, True
    while more_body:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise BodyTooLarge
        yield part
        more_body = message.get("more_body", False)


async def require_connected(receive: Receive, *, waited: float) -> None:
    """Raise ClientDisconnected if the client gave up after its body was read."""
    # Work for a client that is gone would only delay the others.
    if waited < MIN_WAIT:
        return
    task = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    elif task.result()["type"] == "http.disconnect":
        raise ClientDisconnected


def with_headers(send: Send, headers: Headers) -> Send:
    """Return a `send` that adds these headers to the response."""
    if not headers:
        return send

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            # A new message, because a recorded one may be sent again without them.
            message = {**message, "headers": [*message["headers"], *headers]}
        await send(message)

    return send_with_headers


def buffer_response_start(send: Send) -> Send:
    """Return a `send` that sends the head together with the body's first part.

    nginx passes a request on to another node as long as it has seen nothing of a response; a node that dies must not
    leave half of one.
    """
    buffered: list[Message] = []

    async def send_buffered(message: Message) -> None:
        if message["type"] == "http.response.start":
            buffered.append(message)
            return
        while buffered:
            await send(buffered.pop())
        await send(message)

    return send_buffered
