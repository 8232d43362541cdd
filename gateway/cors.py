"""CORS for the API: the sites of CORS_ALLOWED_ORIGINS may read it with a token, never with cookies.

Invariant: the decision is made per request and outside of the cache, so a cached response never carries the origin of
the request it was built for.
"""

from __future__ import annotations

from django.conf import settings

from gateway.request import GatewayRequest
from gateway.request_body import Headers

ALLOWED_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOWED_HEADERS = b"Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID"
# A script of another origin sees no response header that is not listed (Fetch standard).
EXPOSED_HEADERS = (
    b"Deprecation, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, Sunset, Undo-Token, WWW-Authenticate, "
    b"X-Request-ID"
)
# Seconds for which a browser does not ask again; Chromium allows no more.
PREFLIGHT_MAX_AGE = b"7200"
PREFLIGHT_VARY = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")


async def send_preflight(request: GatewayRequest) -> None:
    """Answer a preflight: what an allowed origin may send. For another one, a response without CORS headers means no."""
    headers = [PREFLIGHT_VARY, (b"x-request-id", request.request_id.encode())]
    if allow_origin_headers(request):
        headers += [
            (b"access-control-allow-methods", ALLOWED_METHODS),
            (b"access-control-allow-headers", ALLOWED_HEADERS),
            (b"access-control-max-age", PREFLIGHT_MAX_AGE),
        ]
    await request.send({"type": "http.response.start", "status": 204, "headers": headers})
    await request.send({"type": "http.response.body", "body": b""})


def allow_origin_headers(request: GatewayRequest) -> Headers:
    """Return the headers with which an allowed origin may read the response; none for another origin."""
    origin = request.headers[b"origin"]
    if origin.decode("latin-1") not in settings.CORS_ALLOWED_ORIGINS:
        return ()
    # No Access-Control-Allow-Credentials: a foreign page must never act with the cookies of a user.
    return (b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED_HEADERS)
