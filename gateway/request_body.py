"""ASGI messages: request bodies, read whole and bounded, and what is added to responses.

A thread is taken after the body was read, so a slow sender holds none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]
# Seconds in the queue after which it is worth asking whether the client is still there.
MIN_WAIT = 0.05


class BodyTooLarge(Exception):
    pass


class ClientDisconnected(Exception):
    pass


async def read_body(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """Return the whole body, whether or not its length was announced. Raises BodyTooLarge, ClientDisconnected."""
    # An announced length is refused before anything is read; the count below is for chunked bodies.
    content_length = dict(scope["headers"]).get(b"content-length", b"0")
    if content_length.isdigit() and int(content_length) > limit:
        raise BodyTooLarge
    parts, size, more_body = [], 0, True
    while more_body:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise BodyTooLarge
        more_body = message.get("more_body", False)
    return b"".join(parts)


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
