"""Warming: the answers that are read most are built anew, before anybody asks, when a write or a deploy has ended them.

Invariant: an answer is warmed only for a session that is alive, under the generation that was read before it was built,
through the same one rebuild per key over all nodes; one at a time, by one node at a time, and never while a request
waits for a thread. It costs the reader nothing of their limit. What is read most is known by counts that halve every
HALF_LIFE, so what nobody reads any more is forgotten.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from prometheus_client import Counter
from redis.exceptions import RedisError

from gateway.admission import AdmissionControl
from gateway.jwt_cache import JwtCache
from gateway.local_cache import CachedResponse
from gateway.request import GatewayRequest, parse_request
from gateway.request_body import Message
from gateway.request_checker import EXEMPT, CheckRequest, CheckResult, RequestChecker
from gateway.responses import ResponseRecorder
from gateway.session_backend import SessionBackend
from gateway.single_flight import cache_key

HOT_KEY, LOCK_KEY = "taskflow:cache_warming:hits", "taskflow:cache_warming:hits:lock"
ROUND_INTERVAL, HALF_LIFE = 1.0, 60.0
DECAY = 0.5 ** (ROUND_INTERVAL / HALF_LIFE)
MAX_TRACKED, MAX_COUNTED, MAX_WARMED = 200, 1000, 50
# Who read a thing once or twice does not wait for it.
MIN_HITS, DROP_BELOW = 2.5, 0.5
MAX_MEMBER_LENGTH = 2000
# What of a request decides its answer beside the path, the query and the token.
KEY_HEADERS = (b"host", b"accept", b"accept-encoding", b"x-forwarded-proto")
WARMED_RESPONSES = Counter("gateway_warmed_responses", "Answers built before anybody asked for them.")
RebuildCallback = Callable[[GatewayRequest, str], Awaitable[tuple[CachedResponse | None, ResponseRecorder]]]
log = structlog.get_logger(__name__)


class HitCounter:
    """How often each answer was read through this process since it was last told."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str, str], float] = {}
        self.members: dict[tuple[str, str, str], str] = {}

    def count(self, call: GatewayRequest) -> None:
        assert call.claims is not None
        key = (call.claims.user_id, call.claims.session_id, call.url)
        seen = self.counts.get(key)
        if seen is not None:
            self.counts[key] = seen + 1
        elif len(self.counts) < MAX_COUNTED and len(member := _encode_request(call)) <= MAX_MEMBER_LENGTH:
            self.counts[key], self.members[key] = 1, member

    def drain(self) -> dict[str, float]:
        """Return the counts, and begin anew."""
        found = {self.members[key]: number for key, number in self.counts.items()}
        self.counts, self.members = {}, {}
        return found


def _encode_request(call: GatewayRequest) -> str:
    """What the read is known by over all nodes: all that is needed to ask it again, except a token."""
    assert call.claims is not None
    query = call.scope["query_string"].decode("latin-1")
    headers = {name.decode(): call.text(name) for name in KEY_HEADERS if name in call.headers}
    headers["accept-encoding"] = call.encoding
    return json.dumps([call.claims.user_id, call.claims.session_id, call.scope["path"], query, headers])


class CacheWarmer:
    def __init__(
        self,
        hit_counter: HitCounter,
        checker: RequestChecker,
        admission: AdmissionControl,
        tokens: JwtCache,
        sessions: SessionBackend,
        rebuild: RebuildCallback,
    ) -> None:
        self.hit_counter = hit_counter
        self.checker = checker
        self.admission = admission
        self.tokens = tokens
        self.sessions = sessions
        self.rebuild = rebuild

    async def run(self) -> None:
        while True:
            await asyncio.sleep(ROUND_INTERVAL)
            try:
                await self.round()
            except (RedisError, OSError):
                continue  # without Redis nothing is remembered, so there is nothing to warm
            except Exception:  # the boundary of a task that nobody waits for: it goes on with the next round
                log.exception("cache_warming_failed")

    async def round(self) -> int:
        """Tell what was read here; then, if no other node does so now, warm. Returns how many answers were built."""
        await self._flush_counts(self.hit_counter.drain())
        if not await self.checker.redis.set(LOCK_KEY, 1, nx=True, px=int(ROUND_INTERVAL * 900)):
            return 0
        built, started = 0, time.monotonic()
        for call, generation in await self._missing(await self._most_requested()):
            if not self.admission.has_capacity or time.monotonic() - started > ROUND_INTERVAL * 0.8:
                break
            kept, _ = await self.rebuild(call, generation)
            built += kept is not None
        WARMED_RESPONSES.inc(built)
        return built

    async def _flush_counts(self, counts: dict[str, float]) -> None:
        if not counts:
            return
        async with self.checker.redis.pipeline(transaction=False) as pipe:
            for member, number in counts.items():
                pipe.zincrby(HOT_KEY, number, member)
            pipe.zremrangebyrank(HOT_KEY, 0, -MAX_TRACKED - 1)
            await pipe.execute()

    async def _most_requested(self) -> list[GatewayRequest]:
        async with self.checker.redis.pipeline(transaction=False) as pipe:
            pipe.zunionstore(HOT_KEY, {HOT_KEY: DECAY})
            pipe.zremrangebyscore(HOT_KEY, "-inf", DROP_BELOW)
            pipe.zrange(HOT_KEY, "+inf", MIN_HITS, desc=True, byscore=True, offset=0, num=MAX_WARMED)
            *_, members = await pipe.execute()
        return [call for member in members if (call := self._call(json.loads(member))).is_cacheable]

    def _call(self, read: list[Any]) -> GatewayRequest:
        """Ask as the reader asked."""
        user, session, path, query, headers = read
        token = self.sessions.token(uuid.UUID(session), uuid.UUID(user))
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "query_string": query.encode("latin-1"),
            "headers": [*pairs, (b"authorization", f"Bearer {token}".encode())],
            "taskflow.cache_warming": True,
        }
        return parse_request(scope, _receive_nothing, _discard, self.tokens)

    async def _missing(self, calls: list[GatewayRequest]) -> list[tuple[GatewayRequest, str]]:
        """Return those that nobody has built under the present generation, with that generation."""
        verdicts = await asyncio.gather(*(self._verdict(call) for call in calls))
        found = [
            (call, verdict.generation) for call, verdict in zip(calls, verdicts, strict=True) if verdict.is_cacheable
        ]
        if not found:
            return []
        async with self.checker.redis.pipeline(transaction=False) as pipe:
            for call, generation in found:
                pipe.exists(cache_key(call.claims.user_id if call.claims else "", generation, call.url))
            return [one for one, is_kept in zip(found, await pipe.execute(), strict=True) if not is_kept]

    def _verdict(self, call: GatewayRequest) -> Awaitable[CheckResult]:
        assert call.claims is not None
        user, session = call.claims.user_id, call.claims.session_id
        return self.checker.ask(CheckRequest(f"user:{user}", self.sessions.key(session), scope=user, known=EXEMPT))


async def _receive_nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _discard(_message: Message) -> None:
    """Nobody is answered: what was built is kept."""
