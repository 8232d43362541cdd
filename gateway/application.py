"""The ASGI application that gunicorn serves: authentication, rate limits, response cache, overload; then Django.

Invariant: a response is cached, and a cached one used, only under the caller and the generation that the check of this
very request has returned. Django runs as WSGI in a bounded pool of threads: its own ASGI handler served a quarter of
the requests in the same measurement (docs/adr/0001).
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from contextlib import nullcontext, suppress
from dataclasses import replace
from wsgiref.types import WSGIApplication

from django.conf import settings
from django.db import DatabaseError
from prometheus_client import Counter
from redis.exceptions import RedisError

from core.api.endpoints import API_PREFIX
from core.api.routes import get_route_table
from core.logging import flush_cache_hits
from gateway import cors, request_body, responses, timing
from gateway.admission import AdmissionControl, ConcurrencyLimiter, Overloaded
from gateway.api_key_cache import NO_API_KEYS, ApiKeyBackend, ApiKeyCache, is_current
from gateway.local_cache import CachedResponse, LruResponseCache
from gateway.request import SAFE_METHODS, GatewayRequest, parse_request
from gateway.request_body import Receive, Scope, Send, with_headers
from gateway.request_checker import CheckRequest, CheckResult, RequestChecker
from gateway.request_counter import RequestCounter
from gateway.responses import (
    ResponseRecorder,
    rate_limit_headers,
    send_body_too_large,
    send_cached,
    send_liveness,
    send_problem,
)
from gateway.session_backend import SessionBackend
from gateway.single_flight import SingleFlight
from gateway.wsgi_adapter import WsgiThreadPool

# A response ends with its generation; this only frees the memory of those that are not read again.
CACHE_TTL = 300  # seconds
# The event loop, which serves cached responses and sheds load, must not wait 5 ms (Python's default) each time a thread
# of Django computes. With less than this, computing threads spend their time on switching: 40 times a request at 0.5 ms.
SWITCH_INTERVAL = 0.002
CACHE_LOOKUPS = Counter("gateway_cache_lookups", "Responses looked up in the process.", ["outcome"])
CACHE_HITS, CACHE_MISSES = CACHE_LOOKUPS.labels("hit"), CACHE_LOOKUPS.labels("miss")
RATE_LIMITED_REQUESTS = Counter("gateway_rate_limited_requests", "Requests beyond the caller's limit.", ["tier"])


class Gateway:
    def __init__(self, django: WSGIApplication, sessions: SessionBackend, keys: ApiKeyBackend = NO_API_KEYS) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL)
        self.routes = get_route_table()
        self.django = WsgiThreadPool(django, settings.WSGI_THREADS)
        self.sessions = sessions
        self.api_key_cache = ApiKeyCache(keys)
        self.session_lookups: dict[str, asyncio.Task[str]] = {}
        self.background_tasks: set[asyncio.Task[None]] = set()
        self.checker = RequestChecker()
        self.counter = RequestCounter()
        self.admission = AdmissionControl()
        # Half of the threads: argon2 keeps a core busy, and the other half must stay free for everything else.
        self.password_limiter = ConcurrencyLimiter(max(1, settings.WSGI_THREADS // 2))
        self.local_cache = LruResponseCache(settings.LOCAL_CACHE_BYTES)
        self.single_flight = SingleFlight()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.run_lifespan(receive, send)
        elif scope["type"] == "http":
            request = parse_request(scope, receive, send, routes=self.routes)
            self.counter.watch(request)
            try:
                is_padded = timing.is_padded(request)
                await (timing.pad_response_time(request, self.handle_http) if is_padded else self.handle_http(request))
            except asyncio.CancelledError:
                await responses.send_stopping(request)
        else:
            # There are no WebSocket endpoints yet. Closing before accepting makes the server answer 403.
            await send({"type": "websocket.close", "code": 1000})

    async def run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        # Lines that still wait for their timer would be lost with the event loop.
        flush_cache_hits()
        await self.counter.close()
        self.django.close()
        await self.checker.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def handle_http(self, request: GatewayRequest) -> None:
        if request.has_too_long_line:
            await send_problem(request, 431, "A header line or the URL is too long.")
            return
        if request.has_duplicate_host:
            await send_problem(request, 400, "Duplicate Host header.")
            return
        if request.endpoint.is_liveness and request.scope["method"] in SAFE_METHODS:
            await send_liveness(request)
            return
        if b"origin" in request.headers and request.scope["path"].startswith(API_PREFIX):
            request.send = with_headers(request.send, cors.allow_origin_headers(request))
            # A preflight carries no credentials, so it is answered before any check (Fetch standard).
            if request.scope["method"] == "OPTIONS" and b"access-control-request-method" in request.headers:
                await cors.send_preflight(request)
                return
        if request.endpoint.rate_limit:
            await self.handle_limited(request)
        else:
            await self.call_django(request)

    async def handle_limited(self, request: GatewayRequest) -> None:
        """Answer a request whose caller has a rate limit: from the cache if possible, else by Django."""
        # An unknown key leaves the request anonymous: Django answers it with 401, and the address pays for it.
        if request.api_key and not await self.authenticate_api_key(request):
            await self.shed(request)
            return
        if not request.is_cacheable and self.admission.should_shed(request.max_wait, request.route):
            await self.shed(request)  # whatever the check might say; so it costs no round trip
            return
        cached = None
        if request.claims and request.is_cacheable:
            cached = self.local_cache.get(request.claims.reader, request.cache_url)
        try:
            result = await self.check(request, cached)
        except Overloaded:
            await self.shed(request)
            return
        if result.allowed is False:
            RATE_LIMITED_REQUESTS.labels(result.tier or "anonymous").inc()
            detail = "Rate limit exceeded."
            await send_problem(request, 429, detail, wait=result.wait, code="rate_limited")
            return
        request.charged_to = result.charged_to
        # Django need not ask Redis again within MAX_GENERATION_AGE (see scope_for_django).
        request.global_generation, request.checked_at = result.global_generation, time.perf_counter()
        if request.is_cacheable and result.is_cacheable:
            await self.respond_from_cache(request, result, cached)
            return
        request.send = with_headers(request.send, rate_limit_headers(result))
        await self.call_django(request)

    async def authenticate_api_key(self, request: GatewayRequest) -> bool:
        """Set the claims of a valid API key. Return False when there is no capacity to look it up."""
        claims = self.api_key_cache.get(request.api_key)
        if claims is None and (key := self.api_key_cache.parse(request.api_key, request.address)):
            try:
                async with self.admission.slot(request.max_wait):
                    claims = await self.django.run_query(self.api_key_cache.backend.look_up, key)
            except Overloaded:
                return False
            except DatabaseError:
                return True  # Django answers with the error
            self.api_key_cache.store(request.api_key, request.address, claims)
        if claims is not None and is_current(claims, request.address):
            request.authenticate_as(claims)
            key_id, backend = claims.session_id, self.api_key_cache.backend
            if backend.should_record_use(key_id):

                async def record_use() -> None:
                    # The time of the last use is for people; it may be lost when there is no capacity for it.
                    with suppress(Overloaded, DatabaseError):
                        async with self.admission.slot():
                            await self.django.run_query(backend.record_use, key_id, request.address)

                # No request waits for it. The event loop holds tasks weakly, so the set keeps them until they are done.
                task = asyncio.create_task(record_use())
                self.background_tasks.add(task)
                task.add_done_callback(self.background_tasks.discard)
        return True

    async def check(self, request: GatewayRequest, cached: CachedResponse | None) -> CheckResult:
        """Check rate limit, session status and generation. Raises Overloaded.

        A session that Redis does not know is looked up in PostgreSQL, and the check is made again.
        """
        anonymous = CheckRequest(caller=f"ip:{request.address}", tier="anonymous")
        claims = request.claims
        if claims is None:
            return await self.checker.check(anonymous)
        # Only a conditional request whose answer may be 304 is free; the script compares the generation.
        is_current_version = cached is not None and cached.etag == request.headers.get(b"if-none-match")
        check_request = CheckRequest(
            caller=claims.caller,
            session_key=self.sessions.key(claims.session_id),
            scope=claims.user_id,
            cached_generation=cached.generation if cached is not None and is_current_version else "",
        )
        result = await self.checker.check(check_request)
        if result.allowed is not None:
            return result
        # A status without a tier is `revoked`, and stays so.
        if result.session_status:
            return await self.checker.check(anonymous)
        try:
            status = await self._load_session_status(claims.session_id, request.max_wait)
            tier = status.partition(":")[2]  # empty where the session is not active
        except (RedisError, DatabaseError):
            # Without PostgreSQL or Redis nobody knows the status: limit locally, and let Django decide.
            tier = self.checker.local.tier_of(claims.caller)
        if not tier:
            return await self.checker.check(anonymous)
        # The tier is passed along, because Redis may have lost the status again meanwhile.
        return await self.checker.check(replace(check_request, cached_generation="", tier=tier))

    async def _load_session_status(self, session_id: str, max_wait: float) -> str:
        """Return the session's status from PostgreSQL. Concurrent requests of one session share one lookup.

        Otherwise the first requests of a busy client would fill the queue for threads. Raises Overloaded.
        """
        lookup = self.session_lookups.get(session_id)
        if lookup is None:

            async def look_up() -> str:
                async with self.admission.slot(max_wait):
                    return await self.django.run_query(self.sessions.look_up, uuid.UUID(session_id))

            lookup = self.session_lookups[session_id] = asyncio.create_task(look_up())
            lookup.add_done_callback(lambda _task: self.session_lookups.pop(session_id, None))
        # shield: a client that disconnects cancels only its own wait.
        return await asyncio.shield(lookup)

    async def respond_from_cache(
        self, request: GatewayRequest, result: CheckResult, cached: CachedResponse | None
    ) -> None:
        """Answer from the process, from another node's rebuild, or from Django, in this order."""
        if cached is not None and cached.generation == result.generation:
            CACHE_HITS.inc()
            await send_cached(request, cached, result)
            return
        CACHE_MISSES.inc()
        response, recorder = await self.rebuild(request, result.generation)
        if response is not None:
            await send_cached(request, response, result, already_logged=bool(recorder.messages))
            return
        request.send = with_headers(request.send, rate_limit_headers(result))
        # Built here but not cacheable (an error, for example): passed on as it is.
        if recorder.messages:
            for message in recorder.messages:
                await request.send(message)
        else:
            await self.call_django(request)

    async def rebuild(self, request: GatewayRequest, generation: str) -> tuple[CachedResponse | None, ResponseRecorder]:
        """Return the cacheable response, if any, and what Django sent for this request."""
        assert request.claims is not None
        recorder = ResponseRecorder(generation)

        async def build() -> CachedResponse | None:
            """Call Django without the caller's conditions, so that there is a body to cache."""
            conditions = {b"if-none-match", b"if-modified-since"}
            headers = [pair for pair in request.scope["headers"] if pair[0] not in conditions]
            await self.call_django(replace(request, send=recorder, scope={**request.scope, "headers": headers}))
            return recorder.cacheable_response()

        response = await self.single_flight.get(
            self.checker.redis, request.claims.reader, request.cache_url, generation, seconds=CACHE_TTL, build=build
        )
        if response is not None:
            self.local_cache.put(request.claims.reader, request.cache_url, response)
        return response, recorder

    async def call_django(self, request: GatewayRequest) -> None:
        """Read the body, wait for a thread and let Django answer; 413 or 503 if that cannot be done."""
        if self.admission.should_shed(request.max_wait, request.route):
            await self.shed(request)  # before the body is read, which would be for nothing
            return
        try:
            body = await request.read_body()
            # Requests that hash passwords share a narrower limiter.
            hashes_password = request.scope["method"] in request.endpoint.hashes_password
            limiter = self.password_limiter.slot(request.route) if hashes_password else nullcontext()
            queued_at = time.perf_counter()
            async with limiter, self.admission.slot(request.max_wait, request.route):
                await request_body.require_connected(request.receive, waited=time.perf_counter() - queued_at)
                send = request_body.buffer_response_start(request.send)
                await self.django(request.scope_for_django(), body, request.receive, send)
        except request_body.BodyTooLarge:
            await send_body_too_large(request)
        except request_body.SpoolFailed:
            await send_problem(
                request, 507, "There is no space for uploads at the moment.", code="insufficient_storage"
            )
        except request_body.ClientDisconnected:
            return  # the client is gone
        except Overloaded:
            await self.shed(request)
        # Of a response that is made while it is sent: Django itself answers the errors of all others.
        except DatabaseError as error:
            await responses.send_database_fault(request, error)

    async def shed(self, request: GatewayRequest) -> None:
        """Answer 503. A request that is shed spends none of its caller's quota."""
        if request.charged_to is not None:
            await self.checker.refund(*request.charged_to)
        await send_problem(request, 503, "Too many requests are in progress.", wait=1, code="overloaded")
