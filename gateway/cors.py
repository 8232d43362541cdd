"""Which other sites' scripts may read the API: those of CORS_ALLOWED_ORIGINS, with a token and never with cookies.

Invariant: it is decided per request and outside of what is remembered, so a remembered answer never carries the
origin of the request it was built for.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from gateway.bodies import Send
from gateway.calls import Call
from gateway.near import Headers
from gateway.problems import API_PREFIX

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
REQUEST_HEADERS = b"Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID"
ANSWER_HEADERS = (
    b"Deprecation, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, Sunset, WWW-Authenticate, "
    b"X-Request-ID"
)
REMEMBERED_SECONDS = b"7200"
NOT_SHARED = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")


def concerns(call: Call) -> bool:
    return b"origin" in call.headers and str(call.scope["path"]).startswith(API_PREFIX)


def with_origin(call: Call) -> Send:
    """Return how to answer this call: as before, or with the words that let the asking site read it."""
    send, allowed = call.send, _allowed(call)
    if not allowed:
        return send

    async def send_on(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *allowed]}
        await send(message)

    return send_on


async def answer_preflight(call: Call) -> None:
    """Say what an allowed site may send; to another one an answer without a word of CORS means no."""
    headers = [NOT_SHARED, (b"x-request-id", call.request_id.encode())]
    if _allowed(call):
        headers += [
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", REQUEST_HEADERS),
            (b"access-control-max-age", REMEMBERED_SECONDS),
        ]
    await call.send({"type": "http.response.start", "status": 204, "headers": headers})
    await call.send({"type": "http.response.body", "body": b""})


def _allowed(call: Call) -> Headers:
    origin = call.headers[b"origin"]
    if origin.decode("latin-1") not in settings.CORS_ALLOWED_ORIGINS:
        return ()
    return (b"access-control-allow-origin", origin), (b"access-control-expose-headers", ANSWER_HEADERS)
