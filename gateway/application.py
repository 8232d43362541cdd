"""The ASGI application that gunicorn serves: bounds the body, then hands the request to Django in a thread pool.

Django runs as WSGI: its own ASGI handler served a quarter of the requests in the same measurement.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
from a2wsgi import WSGIMiddleware
from django.conf import settings

from gateway.problems import API_PREFIX, MEDIA_TYPE, document

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class BodyTooLarge(Exception):
    pass


class ClientGone(Exception):
    pass


class Gateway:
    """Route lifespan and HTTP; the body is read whole before a thread is taken, so a slow sender holds none."""

    def __init__(self, django: Callable[..., Any]) -> None:
        self.django: Any = WSGIMiddleware(django, workers=settings.THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self.http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(scope, receive, limit=_limit(scope["path"]))
        except BodyTooLarge:
            await refuse(scope, send, 413, "The body is too large.")
            return
        except ClientGone:
            return
        headers = [pair for pair in scope["headers"] if pair[0] not in {b"content-length", b"transfer-encoding"}]
        headers.append((b"content-length", str(len(body)).encode()))
        await self.django({**scope, "headers": headers}, _replay(body, receive), send)


def _limit(path: str) -> int:
    takes_files = path.endswith("/imports/") or not path.startswith(API_PREFIX)
    return int(settings.MAX_UPLOAD_BYTES if takes_files else settings.MAX_BODY_BYTES)


async def read_body(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """Return the whole body, whether its length was announced or not; raises BodyTooLarge, ClientGone."""
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > limit:
        raise BodyTooLarge
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise BodyTooLarge
        more = message.get("more_body", False)
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


async def refuse(scope: Scope, send: Send, status: int, detail: str) -> None:
    """Answer with a problem document without entering Django; the rest of the body is not read."""
    body = orjson.dumps(document(status, scope["path"], detail=detail))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
