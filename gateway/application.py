"""The ASGI application that gunicorn serves: who asks, how much they may ask, what is remembered for them; then Django.

Invariant: an answer is remembered, and a remembered one given, only under the caller and the generation that the check
of this very request has named. Django runs as WSGI in a bounded pool of threads: its own ASGI handler served a quarter
of the requests in the same measurement.
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from wsgiref.types import WSGIApplication

from django.conf import settings
from django.db import DatabaseError
from prometheus_client import Counter
from redis.exceptions import RedisError

from core.api.routes import get_route_table
from core.logging import flush_cache_hits
from core.security.claims import Claims
from gateway import cors, request_body, timing
from gateway.admission import AdmissionControl, ConcurrencyLimiter, Overloaded
from gateway.api_key_cache import NO_API_KEYS, ApiKeyBackend, ApiKeyCache, is_current
from gateway.jwt_cache import JwtCache
from gateway.local_cache import CachedResponse, LruResponseCache
from gateway.request import GatewayRequest, parse_request
from gateway.request_body import Receive, Scope, Send
from gateway.request_checker import CheckRequest, CheckResult, RequestChecker
from gateway.responses import ResponseRecorder, send_cached, send_overloaded, send_problem, with_rate_limit_headers
from gateway.session_backend import SessionBackend
from gateway.single_flight import SingleFlight
from gateway.wsgi_adapter import WsgiThreadPool

CACHE_TTL = 300
# The loop, which answers from memory and refuses, shall not wait for 5 ms each time a thread of Django computes. With
# less than this, threads that compute spend their time on changing places: 40 times in one request at 0.5 ms.
SWITCH_INTERVAL = 0.002
CACHE_LOOKUPS = Counter("gateway_cache_lookups", "Answers looked up in the process.", ["outcome"])
CACHE_HITS, CACHE_MISSES = CACHE_LOOKUPS.labels("hit"), CACHE_LOOKUPS.labels("miss")
RATE_LIMITED_REQUESTS = Counter("gateway_rate_limited_requests", "Requests beyond the caller's limit.", ["tier"])


class Gateway:
    def __init__(self, django: WSGIApplication, sessions: SessionBackend, keys: ApiKeyBackend = NO_API_KEYS) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL)
        self.django = WsgiThreadPool(django, settings.WSGI_THREADS)
        self.sessions = sessions
        self.routes = get_route_table()
        self.tokens = JwtCache()
        self.api_key_cache = ApiKeyCache(keys)
        self.pending_writes: set[asyncio.Task[None]] = set()
        self.checker = RequestChecker()
        self.admission = AdmissionControl()
        self.password_limiter = ConcurrencyLimiter(max(1, settings.WSGI_THREADS // 2))
        self.local_cache = LruResponseCache(settings.LOCAL_CACHE_BYTES)
        self.single_flight = SingleFlight()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        elif scope["type"] == "http":
            call = parse_request(scope, receive, send, tokens=self.tokens, routes=self.routes)
            await (timing.pad_response_time(call, self.http) if timing.is_padded(call) else self.http(call))
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        flush_cache_hits()
        self.django.close()
        await self.checker.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def http(self, call: GatewayRequest) -> None:
        if call.has_duplicate_host:
            await send_problem(call, 400, "Name the host once.")
            return
        if cors.is_cors_request(call):
            call.send = cors.with_cors_headers(call)
            if call.is_preflight:
                await cors.send_preflight(call)
                return
        if call.endpoint.rate_limit:
            await self.api(call)
        else:
            await self.call_django(call)

    async def api(self, call: GatewayRequest) -> None:
        if call.key and not await self.authenticate_api_key(call):
            await send_overloaded(call)
            return
        if not call.is_cacheable and self.admission.should_shed():
            await send_overloaded(call)  # whatever the check might say; so it costs no round trip
            return
        known = self.local_cache.get(call.claims.reader, call.url) if call.claims and call.is_cacheable else None
        try:
            verdict = await self.evaluate(call, known)
        except Overloaded:
            await send_overloaded(call)
            return
        if verdict.allowed is False:
            RATE_LIMITED_REQUESTS.labels(verdict.tier or "anonymous").inc()
            await send_problem(call, 429, "You have asked too much for now.", wait=verdict.wait, code="rate_limited")
            return
        call.global_generation, call.evaluated_at = verdict.global_generation, time.perf_counter()
        if call.is_cacheable and verdict.is_cacheable:
            await self.respond_cached(call, verdict, known)
            return
        call.send = with_rate_limit_headers(call.send, verdict)
        await self.call_django(call)

    async def authenticate_api_key(self, call: GatewayRequest) -> bool:
        """Say whose key it is, if it is somebody's and current; False when nobody has the time to look it up."""
        claims = self.api_key_cache.read(call.key)
        if claims is None and (offered := self.api_key_cache.offered(call.key, call.address)):
            try:
                async with self.admission.slot():
                    claims = await self.django.run(self.api_key_cache.look_up_in_thread, offered)
            except Overloaded:
                return False
            except DatabaseError:
                return True  # Django says what is the matter
            self.api_key_cache.store(call.key, call.address, claims)
        if claims is not None and is_current(claims, call.address):
            call.authenticate_as(claims)
            if self.api_key_cache.source.should_record_use(claims.session_id):
                self._record_use(claims.session_id, call.address)
        return True

    def _record_use(self, key_id: str, address: str) -> None:
        """When and from where a key was used last; nobody waits for it."""

        async def note() -> None:
            with suppress(Overloaded, DatabaseError):
                async with self.admission.slot():
                    await self.django.run(self.api_key_cache.record_use_in_thread, (key_id, address))

        task = asyncio.create_task(note())
        self.pending_writes.add(task)
        task.add_done_callback(self.pending_writes.discard)

    async def evaluate(self, call: GatewayRequest, known: CachedResponse | None) -> CheckResult:
        """Ask the check; a session that Redis does not know is looked up in PostgreSQL, and the check asked again."""
        claims = call.claims
        if claims is None:
            return await self.checker.ask(CheckRequest(caller=f"ip:{call.address}", tier="anonymous"))
        fresh = known is not None and known.etag == call.headers.get(b"if-none-match")
        question = CheckRequest(
            caller=claims.caller,
            session_key=self.sessions.key(claims.session_id),
            scope=claims.user_id,
            known=known.generation if known is not None and fresh else "",
        )
        verdict = await self.checker.ask(question)
        if verdict.allowed is not None:
            return verdict
        # One that is known to be revoked stays so.
        tier = "" if verdict.session_status else await self._tier_of(claims, question.caller)
        if not tier:
            return await self.checker.ask(CheckRequest(caller=f"ip:{call.address}", tier="anonymous"))
        return await self.checker.ask(CheckRequest(question.caller, question.session_key, question.scope, tier))

    async def _tier_of(self, claims: Claims, caller: str) -> str:
        """Return what PostgreSQL knows, nothing for a dead session; raises Overloaded."""
        try:
            async with self.admission.slot():
                found = await self.django.run(self.sessions.look_up_in_thread, uuid.UUID(claims.session_id))
                return found.partition(":")[2]
        except (RedisError, DatabaseError):
            return self.checker.local.tier_of(caller)

    async def respond_cached(self, call: GatewayRequest, verdict: CheckResult, known: CachedResponse | None) -> None:
        """Answer from the process, from another node's rebuild, or from Django, in this order."""
        if known is not None and known.generation == verdict.generation:
            CACHE_HITS.inc()
            await send_cached(call, known, verdict)
            return
        CACHE_MISSES.inc()
        kept, capture = await self.rebuild(call, verdict.generation)
        if kept is not None:
            await send_cached(call, kept, verdict, already_logged=bool(capture.messages))
            return
        call.send = with_rate_limit_headers(call.send, verdict)
        if capture.messages:
            for message in capture.messages:
                await call.send(message)
        else:
            await self.call_django(call)

    async def rebuild(self, call: GatewayRequest, generation: str) -> tuple[CachedResponse | None, ResponseRecorder]:
        """Return the answer to keep, if there is one, and what Django said if it was asked for this call."""
        assert call.claims is not None
        reader, capture = call.claims.reader, ResponseRecorder(generation)
        kept = await self.single_flight.get(
            self.checker.redis,
            reader,
            call.url,
            generation,
            seconds=CACHE_TTL,
            build=lambda: self.build(call, capture),
        )
        if kept is not None:
            self.local_cache.put(reader, call.url, kept)
        return kept, capture

    async def build(self, call: GatewayRequest, capture: ResponseRecorder) -> CachedResponse | None:
        """Let Django answer, without the caller's conditions, so that there is a body to keep."""
        headers = [pair for pair in call.scope["headers"] if pair[0] not in {b"if-none-match", b"if-modified-since"}]
        original, call.send = call.send, capture
        scope, call.scope = call.scope, {**call.scope, "headers": headers}
        try:
            await self.call_django(call)
        finally:
            call.send, call.scope = original, scope
        return capture.kept()

    async def call_django(self, call: GatewayRequest) -> None:
        if self.admission.should_shed():
            await send_overloaded(call)  # before the body is read, which would be for nothing
            return
        try:
            limit = getattr(settings, call.endpoint.max_body_size)
            body = await request_body.read_body(call.scope, call.receive, limit=limit)
            async with self._concurrency_limiter(call), self.admission.slot():
                await self.django(
                    call.scope_with_request_id(), body, call.receive, request_body.buffer_response_start(call.send)
                )
        except request_body.BodyTooLarge:
            await send_problem(call, 413, "The body is too large.", code="content_too_large")
        except request_body.ClientDisconnected:
            return
        except Overloaded:
            await send_overloaded(call)

    def _concurrency_limiter(self, call: GatewayRequest) -> AbstractAsyncContextManager[None]:
        return self.password_limiter.slot() if timing.is_padded(call) else nullcontext()
