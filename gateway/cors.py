"""Which other sites' scripts may read the API: those of CORS_ALLOWED_ORIGINS, with a token and never with cookies.

Invariant: it is decided per request and outside of what is remembered, so a remembered answer never carries the
origin of the request it was built for.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from core.api.endpoints import API_PREFIX
from gateway.local_cache import Headers
from gateway.request import GatewayRequest
from gateway.request_body import Send

ALLOWED_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOWED_HEADERS = b"Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID"
EXPOSED_HEADERS = (
    b"Deprecation, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, Sunset, WWW-Authenticate, "
    b"X-Request-ID"
)
PREFLIGHT_MAX_AGE = b"7200"
PREFLIGHT_VARY = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")


def is_cors_request(call: GatewayRequest) -> bool:
    return b"origin" in call.headers and str(call.scope["path"]).startswith(API_PREFIX)


def with_cors_headers(call: GatewayRequest) -> Send:
    """Return how to answer this call: as before, or with the words that let the asking site read it."""
    send, allowed = call.send, _allow_origin_headers(call)
    if not allowed:
        return send

    async def send_on(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *allowed]}
        await send(message)

    return send_on


async def send_preflight(call: GatewayRequest) -> None:
    """Say what an allowed site may send; to another one an answer without a word of CORS means no."""
    headers = [PREFLIGHT_VARY, (b"x-request-id", call.request_id.encode())]
    if _allow_origin_headers(call):
        headers += [
            (b"access-control-allow-methods", ALLOWED_METHODS),
            (b"access-control-allow-headers", ALLOWED_HEADERS),
            (b"access-control-max-age", PREFLIGHT_MAX_AGE),
        ]
    await call.send({"type": "http.response.start", "status": 204, "headers": headers})
    await call.send({"type": "http.response.body", "body": b""})


def _allow_origin_headers(call: GatewayRequest) -> Headers:
    origin = call.headers[b"origin"]
    if origin.decode("latin-1") not in settings.CORS_ALLOWED_ORIGINS:
        return ()
    return (b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED_HEADERS)
