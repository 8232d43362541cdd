"""Request bodies: read whole and bounded before a thread is taken, so that a slow sender holds none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class BodyTooLarge(Exception):
    pass


class ClientDisconnected(Exception):
    pass


async def read_body(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """Return the whole body, whether its length was announced or not; raises BodyTooLarge, ClientGone."""
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > limit:
        raise BodyTooLarge
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise BodyTooLarge
        more = message.get("more_body", False)
    return b"".join(parts)


def buffer_response_start(send: Send) -> Send:
    """Hold the head until the body's first part: they leave in one write, so a node that dies leaves no half answer.

    nginx gives a request to another node as long as it has seen nothing of an answer.
    """
    held: list[Message] = []

    async def pass_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            held.append(message)
            return
        while held:
            await send(held.pop())
        await send(message)

    return pass_on
