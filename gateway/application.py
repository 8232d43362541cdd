"""The ASGI application that gunicorn serves: who asks, how much they may ask, what is remembered for them; then Django.

Django runs as WSGI in a bounded thread pool: its own ASGI handler served a quarter of the requests in the same
measurement.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from prometheus_client import Counter
from redis.exceptions import RedisError

from core.logging import REQUEST_ID, write_hit
from gateway import bodies
from gateway.admission import Admission, Overloaded
from gateway.bodies import Receive, Scope, Send
from gateway.check import Checker, Question, Verdict
from gateway.headers import address_of
from gateway.identity import Claims, Tokens
from gateway.near import Kept, NearCache
from gateway.problems import API_PREFIX, MEDIA_TYPE, document
from gateway.rebuilds import Rebuilds

FREE = ("/api/v1/health",)
KEPT_PATHS = re.compile(r"/api/v1/(?:me/|projects/|tasks/(?!stats/)(?:[A-Za-z0-9-]+/)?)\Z", re.ASCII)
KEPT_SECONDS = 300
# The loop, which answers from memory and refuses, shall not wait for 5 ms each time a thread of Django computes.
SWITCH_SECONDS = 0.0005
CONDITIONS = {b"if-match", b"if-unmodified-since"}
OF_ONE_REQUEST = {b"x-request-id", b"server-timing", b"date", b"content-length", b"set-cookie", b"connection"}
HITS = Counter("gateway_cache_lookups", "Answers looked up in the process.", ["outcome"])
LIMITED = Counter("gateway_limited_requests", "Requests beyond the caller's limit.", ["tier"])


@dataclass(frozen=True, slots=True)
class Sessions:
    """What the application in front of the apps is told about sessions: how they are kept, and how to look one up."""

    key: Callable[[object], str]
    look_up: Callable[[uuid.UUID], str]


@dataclass(slots=True)
class Call:
    """One request on its way through."""

    scope: Scope
    receive: Receive
    send: Send
    headers: dict[bytes, bytes]
    claims: Claims | None
    started: float
    request_id: str

    @property
    def url(self) -> str:
        path, query = self.scope["path"], self.scope["query_string"].decode("latin-1")
        accept = self.headers.get(b"accept", b"").decode("latin-1")
        return f"{self.headers.get(b'host', b'').decode('latin-1')} {path}?{query} {accept}"

    @property
    def may_be_kept(self) -> bool:
        """A read whose answer depends on the caller, the rows and nothing else: not on the clock, not on a condition."""
        is_read = self.scope["method"] == "GET" and self.claims is not None and not CONDITIONS & self.headers.keys()
        known_path = bool(KEPT_PATHS.match(self.scope["path"]))
        return is_read and known_path and not _asks_the_clock(self.scope["query_string"])


class Gateway:
    def __init__(self, django: Callable[..., Any], sessions: Sessions) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        self.django: Any = WSGIMiddleware(django, workers=settings.THREADS)
        self.sessions = sessions
        self.tokens = Tokens()
        self.checker = Checker()
        self.admission = Admission()
        self.near = NearCache(settings.NEAR_CACHE_BYTES)
        self.rebuilds = Rebuilds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        elif scope["type"] == "http":
            await self.http(_call(scope, receive, bodies.in_one_piece(send), self.tokens))
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            stops = message["type"] == "lifespan.shutdown"
            if stops:
                await self.checker.close()
            await send({"type": f"{message['type']}.complete"})
            if stops:
                return

    async def http(self, call: Call) -> None:
        path = call.scope["path"]
        if _names_two_hosts(call.scope):
            await refuse(call, 400, "Name the host once.")
            return
        if not path.startswith(API_PREFIX) or path.rstrip("/") in FREE or _is_preflight(call):
            await self.enter(call)
            return
        known = self.near.get(call.claims.user_id, call.url) if call.claims and call.may_be_kept else None
        try:
            verdict = await self.judge(call, known)
        except Overloaded:
            await refuse_overload(call)
            return
        if verdict.admitted is False:
            LIMITED.labels(verdict.tier or "anonymous").inc()
            await refuse(call, 429, "You have asked too much for now.", wait=verdict.wait, code="rate_limited")
            return
        call.send = _with_limits(call.send, verdict, self.checker)
        if call.may_be_kept and verdict.generation and verdict.liveness.startswith("alive"):
            await self.remembered(call, verdict, known)
        else:
            await self.enter(call)

    async def judge(self, call: Call, known: Kept | None) -> Verdict:
        """Ask the check; a session that Redis does not know is looked up in PostgreSQL, and the check asked again."""
        claims = call.claims
        if claims is None:
            return await self.checker.ask(Question(caller=f"ip:{_address(call)}", tier="anonymous"))
        fresh = known is not None and known.etag == call.headers.get(b"if-none-match")
        question = Question(
            caller=f"user:{claims.user_id}",
            session_key=self.sessions.key(claims.session_id),
            scope=claims.user_id if call.may_be_kept else "",
            known=known.generation if known is not None and fresh else "",
        )
        verdict = await self.checker.ask(question)
        if verdict.admitted is not None:
            return verdict
        # One that is known to be revoked stays so.
        tier = "" if verdict.liveness else await self._tier_of(claims, question.caller)
        if not tier:
            return await self.checker.ask(Question(caller=f"ip:{_address(call)}", tier="anonymous"))
        return await self.checker.ask(Question(question.caller, question.session_key, question.scope, tier))

    async def _tier_of(self, claims: Claims, caller: str) -> str:
        """Return what PostgreSQL knows, nothing for a dead session; raises Overloaded."""
        try:
            async with self.admission.slot():
                look_up, session_id = self.sessions.look_up, uuid.UUID(claims.session_id)
                return (await asyncio.to_thread(_with_connection, look_up, session_id)).partition(":")[2]
        except (RedisError, DatabaseError):
            return self.checker.local.tier_of(caller)

    async def remembered(self, call: Call, verdict: Verdict, known: Kept | None) -> None:
        """Answer from the process, from another node's rebuild, or from Django, in this order."""
        assert call.claims is not None
        if known is not None and known.generation == verdict.generation:
            HITS.labels("hit").inc()
            await answer(call, known)
            return
        HITS.labels("miss").inc()
        capture = Capture(verdict.generation)
        kept = await self.rebuilds.get(
            self.checker.redis,
            call.claims.user_id,
            call.url,
            verdict.generation,
            seconds=KEPT_SECONDS,
            build=lambda: self.build(call, capture),
        )
        if kept is not None:
            self.near.put(call.claims.user_id, call.url, kept)
            await answer(call, kept, is_logged=bool(capture.messages))
        elif capture.messages:
            for message in capture.messages:
                await call.send(message)
        else:
            await self.enter(call)

    async def build(self, call: Call, capture: Capture) -> Kept | None:
        """Let Django answer, without the caller's conditions, so that there is a body to keep."""
        headers = [pair for pair in call.scope["headers"] if pair[0] not in {b"if-none-match", b"if-modified-since"}]
        original, call.send = call.send, capture
        scope, call.scope = call.scope, {**call.scope, "headers": headers}
        try:
            await self.enter(call)
        finally:
            call.send, call.scope = original, scope
        return capture.kept()

    async def enter(self, call: Call) -> None:
        try:
            body = await bodies.read(call.scope, call.receive, limit=bodies.limit_for(call.scope["path"]))
            async with self.admission.slot():
                await self.django(bodies.with_body(call.scope, body), bodies.replay(body, call.receive), call.send)
        except bodies.BodyTooLarge:
            await refuse(call, 413, "The body is too large.", code="content_too_large")
        except bodies.ClientGone:
            return
        except Overloaded:
            await refuse_overload(call)


def _with_connection(look_up: Callable[[uuid.UUID], str], session_id: uuid.UUID) -> str:
    """Give the thread's database connection back to the pool, as Django does at the end of a request."""
    try:
        return look_up(session_id)
    finally:
        close_old_connections()


class Capture:
    """Takes what Django sends, to keep it if it is a 200 and to pass it on otherwise."""

    def __init__(self, generation: str) -> None:
        self.generation = generation
        self.messages: list[dict[str, Any]] = []

    async def __call__(self, message: Any) -> None:
        self.messages.append(message)

    def kept(self) -> Kept | None:
        if not self.messages or self.messages[0].get("status") != 200:
            return None
        headers = tuple(pair for pair in self.messages[0]["headers"] if pair[0].lower() not in OF_ONE_REQUEST)
        etag = next((value for name, value in headers if name.lower() == b"etag"), b"")
        body = b"".join(message.get("body", b"") for message in self.messages[1:])
        return Kept(self.generation, etag, headers, body) if etag else None


def _names_two_hosts(scope: Scope) -> bool:
    """RFC 9112, section 3.2. Of two, the memory would read the last one and Django both."""
    return bool(sum(name == b"host" for name, _ in scope["headers"]) > 1)


def _is_preflight(call: Call) -> bool:
    return call.scope["method"] == "OPTIONS" and b"access-control-request-method" in call.headers


def _asks_the_clock(query: bytes) -> bool:
    """Django reads `%6Fverdue` as `overdue`, so whatever is escaped is unescaped first."""
    return b"overdue" in (unquote_to_bytes(query) if b"%" in query else query)


def _call(scope: Scope, receive: Receive, send: Send, tokens: Tokens) -> Call:
    headers = dict(scope["headers"])
    offered = headers.get(b"x-request-id", b"").decode("latin-1")
    words = headers.get(b"authorization", b"").split()  # as BearerAuthentication does: a tab is a space to it
    claims = tokens.read(words[1]) if len(words) == 2 and words[0].lower() == b"bearer" else None
    request_id = offered if REQUEST_ID.match(offered) else uuid.uuid4().hex
    named = [pair for pair in scope["headers"] if pair[0] != b"x-request-id"]
    scope = {**scope, "headers": [*named, (b"x-request-id", request_id.encode())]}
    return Call(scope, receive, send, headers, claims, time.perf_counter(), request_id)


def _address(call: Call) -> str:
    client = call.scope.get("client")
    return address_of(client[0] if client else "", call.headers.get(b"x-forwarded-for", b"").decode("latin-1"))


async def answer(call: Call, kept: Kept, *, is_logged: bool = False) -> None:
    """Answer a GET from what is kept: 304 when the caller has it (RFC 9110, section 13.1.2), else 200.

    `is_logged`: Django built it for this very request, and has logged it.
    """
    asked = call.headers.get(b"if-none-match", b"")
    has_it = asked == b"*" or kept.etag in [tag.strip().removeprefix(b"W/") for tag in asked.split(b",")]
    status, body = (304, b"") if has_it else (200, kept.body)
    headers = [*kept.headers, (b"x-request-id", call.request_id.encode())]
    if not has_it:
        headers.append((b"content-length", str(len(body)).encode()))
    await call.send({"type": "http.response.start", "status": status, "headers": headers})
    await call.send({"type": "http.response.body", "body": body})
    if is_logged:
        return
    user = call.claims.user_id if call.claims else None
    milliseconds = (time.perf_counter() - call.started) * 1000
    write_hit(call.scope["path"], status, milliseconds, user=user, request_id=call.request_id)


async def refuse(call: Call, status: int, detail: str, *, wait: float = 0, code: str = "") -> None:
    """Answer with a problem document without entering Django; the rest of the body is not read."""
    body = orjson.dumps(document(status, call.scope["path"], detail=detail, code=code))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", call.request_id.encode()),
    ]
    if wait:
        headers.append((b"retry-after", str(max(1, -int(-wait // 1))).encode()))
    if status == 413:
        headers.append((b"connection", b"close"))
    await call.send({"type": "http.response.start", "status": status, "headers": headers})
    await call.send({"type": "http.response.body", "body": body})


async def refuse_overload(call: Call) -> None:
    await refuse(call, 503, "Too many requests are being worked on.", wait=1, code="overloaded")


def _with_limits(send: Send, verdict: Verdict, checker: Checker) -> Send:
    """Add RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10)."""
    quota, burst = settings.RATE_LIMITS["tiers"].get(verdict.tier or "anonymous", (0, 0))
    window = settings.RATE_LIMITS["window"] // 1000
    policy = f'"default";q={quota + burst};w={window}'.encode()
    left = f'"default";r={verdict.left};t={window}'.encode()

    async def send_on(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], (b"ratelimit-policy", policy), (b"ratelimit", left)]
            message = {**message, "headers": headers}
        await send(message)

    return send_on
