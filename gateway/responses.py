"""Responses that the gateway sends without entering Django: cached ones and problem documents.

Invariant: an error costs no thread; a cached response carries this request's id, and no other header that belongs to
the request it was built for.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import orjson
from django.conf import settings
from django.db import DatabaseError

from core.api.problems import MEDIA_TYPE, problem_document
from core.db import translate_db_error
from core.errors import ServiceUnavailable
from core.http.response_headers import security_headers
from core.logging import log_cache_hit
from gateway.local_cache import CachedResponse
from gateway.request import GatewayRequest
from gateway.request_body import Headers, Message
from gateway.request_checker import CheckResult

LINGER_SECONDS, LINGER_BYTES = 5.0, 32 * 1024 * 1024
PER_REQUEST_HEADERS = {b"x-request-id", b"server-timing", b"date", b"content-length", b"set-cookie", b"connection"}
# A 304 describes no body (RFC 9110, section 15.4.5), but what protects a page stays.
NOT_MODIFIED_HEADERS = {b"content-security-policy"}


async def send_cached(
    request: GatewayRequest, response: CachedResponse, result: CheckResult, *, already_logged: bool = False
) -> None:
    """Answer a GET from the cache: 304 if the caller has this version (RFC 9110, section 13.1.2), else 200.

    `already_logged`: Django built the response for this very request, and has logged it.
    """
    if_none_match = request.headers.get(b"if-none-match", b"")
    # If-None-Match compares weakly, so the prefix of a weak ETag does not count.
    etags = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    # `*` matches any current representation (RFC 9110, section 13.1.2).
    not_modified = if_none_match == b"*" or response.etag in etags
    status, body = (304, b"") if not_modified else (200, response.body)
    headers = [*response.headers, *rate_limit_headers(result), (b"x-request-id", request.request_id.encode())]
    if not_modified:
        headers = [pair for pair in headers if not pair[0].startswith(b"content-") or pair[0] in NOT_MODIFIED_HEADERS]
    else:
        headers.append((b"content-length", str(len(body)).encode()))
    await request.send({"type": "http.response.start", "status": status, "headers": headers})
    await request.send({"type": "http.response.body", "body": body})
    if already_logged:
        return
    user_id = request.claims.user_id if request.claims else None
    milliseconds = (time.perf_counter() - request.started_at) * 1000
    log_cache_hit(request.scope["path"], status, milliseconds, user=user_id, request_id=request.request_id)


class ResponseRecorder:
    """An ASGI `send` that keeps what Django sends: to be cached if it is a 200, to be passed on otherwise."""

    def __init__(self, generation: str) -> None:
        self.generation = generation
        self.messages: list[dict[str, Any]] = []

    async def __call__(self, message: Any) -> None:
        self.messages.append(message)

    def cacheable_response(self) -> CachedResponse | None:
        """Return the complete 200 with an ETag; None for any other response."""
        if not self.messages or self.messages[0].get("status") != 200 or self.messages[-1].get("more_body"):
            return None
        headers = tuple(pair for pair in self.messages[0]["headers"] if pair[0].lower() not in PER_REQUEST_HEADERS)
        etag = next((value for name, value in headers if name.lower() == b"etag"), b"")
        body = b"".join(message.get("body", b"") for message in self.messages[1:])
        return CachedResponse(self.generation, etag, headers, body) if etag else None


async def send_problem(request: GatewayRequest, status: int, detail: str, *, wait: float = 0, code: str = "") -> None:
    """Send a problem document; the rest of the request's body is not read. `wait` is in seconds, for Retry-After."""
    body = orjson.dumps(problem_document(status, request.scope["path"], detail=detail, code=code))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-request-id", request.request_id.encode()),
        *security_headers(),
    ]
    if wait:
        # Rounded up: a client that comes a moment too early would be refused again.
        headers.append((b"retry-after", str(max(1, -int(-wait // 1))).encode()))
    if status == 413:
        # The rest of the body is still to come, so no other request can follow on this connection.
        headers.append((b"connection", b"close"))
    await request.send({"type": "http.response.start", "status": status, "headers": headers})
    await request.send({"type": "http.response.body", "body": body, "more_body": status == 413})


async def send_body_too_large(request: GatewayRequest) -> None:
    """Answer 413, and read on, so that a client still sending can read it.

    A connection that is closed with unread data is reset, and the client may lose the response (RFC 9112, section 9.6).
    """
    await send_problem(request, 413, "The body is too large.", code="content_too_large")
    received = 0
    # A client that waits for `100 Continue` sends nothing more, and must not be told now to go on.
    if b"expect" not in request.headers:
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                message: Message = {"more_body": True}
                while message.get("more_body") and received < LINGER_BYTES:
                    message = await request.receive()
                    received += len(message.get("body", b""))
    await request.send({"type": "http.response.body", "body": b""})


async def send_liveness(request: GatewayRequest) -> None:
    """Answer the liveness check, which asks neither Django nor PostgreSQL nor Redis."""
    body = b'{"status":"ok"}'
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-request-id", request.request_id.encode()),
        *security_headers(),
    ]
    await request.send({"type": "http.response.start", "status": 200, "headers": headers})
    await request.send({"type": "http.response.body", "body": b"" if request.scope["method"] == "HEAD" else body})


async def send_stopping(request: GatewayRequest) -> None:
    """Answer a request whose time is over because the server stops."""
    with suppress(RuntimeError):  # a part of the response was sent already, so the connection is closed
        await send_problem(request, 503, "The server is stopping.", wait=1, code="stopping")


async def send_database_fault(request: GatewayRequest, error: DatabaseError) -> None:
    """Answer a fault of the database with 503. Raises other errors of it."""
    fault = translate_db_error(error)
    if not isinstance(fault, ServiceUnavailable):
        raise error
    with suppress(RuntimeError):
        await send_problem(request, fault.status, fault.detail, wait=fault.retry_after, code=fault.code)


def rate_limit_headers(result: CheckResult) -> Headers:
    """Return RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10)."""
    # `q` includes the burst, because that is what a fresh client may use at once.
    rules = settings.RATE_LIMITS
    quota, burst = rules["tiers"].get(result.tier or "anonymous", (0, 0))
    window = rules["window"] // 1000
    policy = b'"default";q=%d;w=%d' % (quota + burst, window)
    return (b"ratelimit-policy", policy), (b"ratelimit", b'"default";r=%d;t=%d' % (result.remaining, window))
