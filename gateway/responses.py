"""What the gateway says by itself, without entering Django: a remembered answer, or a refusal.

Invariant: a refusal is a problem document and costs no thread; a remembered answer carries this request's id, and no
other header that belongs to the request it was built for.
"""

from __future__ import annotations

import time
from typing import Any

import orjson
from django.conf import settings

from core.api.problems import MEDIA_TYPE, problem_document
from core.http.response_headers import security_headers
from core.logging import log_cache_hit
from gateway.local_cache import CachedResponse, Headers
from gateway.request import GatewayRequest
from gateway.request_body import Send
from gateway.request_checker import CheckResult

PER_REQUEST_HEADERS = {b"x-request-id", b"server-timing", b"date", b"content-length", b"set-cookie", b"connection"}


# Of a body that is not sent nothing is said (RFC 9110, section 15.4.5), but what protects a page stays.
KEPT_ON_NOT_MODIFIED = {b"content-security-policy"}


async def send_cached(
    call: GatewayRequest, kept: CachedResponse, verdict: CheckResult, *, already_logged: bool = False
) -> None:
    """Answer a GET from what is kept: 304 when the caller has it (RFC 9110, section 13.1.2), else 200.

    `is_logged`: Django built it for this very request, and has logged it.
    """
    asked = call.headers.get(b"if-none-match", b"")
    has_it = asked == b"*" or kept.etag in [tag.strip().removeprefix(b"W/") for tag in asked.split(b",")]
    status, body = (304, b"") if has_it else (200, kept.body)
    headers = [*kept.headers, *rate_limit_headers(verdict), (b"x-request-id", call.request_id.encode())]
    if has_it:
        headers = [pair for pair in headers if not pair[0].startswith(b"content-") or pair[0] in KEPT_ON_NOT_MODIFIED]
    else:
        headers.append((b"content-length", str(len(body)).encode()))
    await call.send({"type": "http.response.start", "status": status, "headers": headers})
    await call.send({"type": "http.response.body", "body": body})
    if already_logged:
        return
    user = call.claims.user_id if call.claims else None
    milliseconds = (time.perf_counter() - call.started) * 1000
    log_cache_hit(call.scope["path"], status, milliseconds, user=user, request_id=call.request_id)


class ResponseRecorder:
    """Takes what Django sends, to keep it if it is a 200 and to pass it on otherwise."""

    def __init__(self, generation: str) -> None:
        self.generation = generation
        self.messages: list[dict[str, Any]] = []

    async def __call__(self, message: Any) -> None:
        self.messages.append(message)

    def kept(self) -> CachedResponse | None:
        if not self.messages or self.messages[0].get("status") != 200 or self.messages[-1].get("more_body"):
            return None
        headers = tuple(pair for pair in self.messages[0]["headers"] if pair[0].lower() not in PER_REQUEST_HEADERS)
        etag = next((value for name, value in headers if name.lower() == b"etag"), b"")
        body = b"".join(message.get("body", b"") for message in self.messages[1:])
        return CachedResponse(self.generation, etag, headers, body) if etag else None


async def send_problem(call: GatewayRequest, status: int, detail: str, *, wait: float = 0, code: str = "") -> None:
    """Answer with a problem document; the rest of the request's body is not read."""
    body = orjson.dumps(problem_document(status, call.scope["path"], detail=detail, code=code))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-request-id", call.request_id.encode()),
        *security_headers(),
    ]
    if wait:
        headers.append((b"retry-after", str(max(1, -int(-wait // 1))).encode()))
    if status == 413:
        headers.append((b"connection", b"close"))
    await call.send({"type": "http.response.start", "status": status, "headers": headers})
    await call.send({"type": "http.response.body", "body": body})


async def send_overloaded(call: GatewayRequest) -> None:
    await send_problem(call, 503, "Too many requests are being worked on.", wait=1, code="overloaded")


def rate_limit_headers(verdict: CheckResult) -> Headers:
    """RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10)."""
    rules = settings.RATE_LIMITS
    quota, burst = rules["tiers"].get(verdict.tier or "anonymous", (0, 0))
    window = rules["window"] // 1000
    policy = b'"default";q=%d;w=%d' % (quota + burst, window)
    return (b"ratelimit-policy", policy), (b"ratelimit", b'"default";r=%d;t=%d' % (verdict.remaining, window))


def with_rate_limit_headers(send: Send, verdict: CheckResult) -> Send:
    """Add them to what Django answers."""

    async def send_on(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *rate_limit_headers(verdict)]}
        await send(message)

    return send_on
