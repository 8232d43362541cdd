"""The check of a request against Redis: rate limit, session status and generation.

All requests of one turn of the event loop share one round trip.

Invariant: one script checks every request of a turn at one moment of Redis' clock, so the limit is exact over all
nodes. Requests that arrive during a round trip wait for the next one. While Redis is unavailable, each node enforces
its share of the quota (circuit breaker): one batch every CIRCUIT_OPEN_SECONDS tries Redis again, and the others do not
wait for it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from core.redis import circuit
from core.security.session_status import ACTIVE

LUA_SCRIPT = (Path(__file__).parent / "request_check.lua").read_text()
# Moves the time at which the caller's bucket is full again back by one request. A bucket that is full is not stored.
REFUND_SCRIPT = """
local full_at = redis.call('GET', KEYS[1])
if full_at then
  redis.call('SET', KEYS[1], string.format('%.3f', full_at - ARGV[1]), 'KEEPTTL')
end
"""
VALUES_PER_RESULT = 5
CIRCUIT_OPEN_SECONDS = 0.5
# Five steps of 50 ms instead of one of 250 ms: see _with_timeout.
TIMEOUT_STEPS, TIMEOUT_STEP = 5, 0.05
# A bound on memory while Redis is away, when every address gets an entry here.
MAX_LOCAL_CALLERS = 50_000
DEFAULT_TIER = "free"
# redis-py raises the last two for a connection that was broken off midway.
REDIS_ERRORS = (RedisError, OSError, RuntimeError, AttributeError)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """The arguments of one check.

    `tier` is known beforehand only for callers without a session. `cached_generation` is that of the response which the
    caller has; while it is current the request costs nothing.
    """

    caller: str
    session_key: str = ""
    scope: str = ""
    tier: str = ""
    cached_generation: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check.

    `generation` is empty while nothing may be cached; `allowed` is None while the tier is unknown; `wait` is in seconds.
    `charged_to` are the caller and the tier whose quota was spent.
    """

    session_status: str = ""
    generation: str = ""
    allowed: bool | None = None
    remaining: int = 0
    wait: float = 0.0
    charged_to: tuple[str, str] | None = None

    @property
    def is_cacheable(self) -> bool:
        return bool(self.generation) and self.session_status.startswith(ACTIVE)

    @property
    def global_generation(self) -> str:
        """The global part of the generation, if the response may be cached."""
        return self.generation.partition(".")[0] if self.is_cacheable else ""

    @property
    def tier(self) -> str:
        return self.session_status.partition(":")[2]


class RequestChecker:
    """Collects the checks of a turn and sends them together."""

    def __init__(self) -> None:
        self.rules = json.dumps(settings.RATE_LIMITS)
        self.waiting: list[tuple[CheckRequest, asyncio.Future[CheckResult]]] = []
        self.local = LocalLimiter(settings.RATE_LIMITS, share=settings.NODE_COUNT)
        self.circuit_open_until = 0.0
        self.is_flushing = False
        self._redis: Redis | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sha = ""

    @property
    def redis(self) -> Redis:
        """The client of the running loop; its values are bytes."""
        loop = asyncio.get_running_loop()
        # A client belongs to its event loop. Tests have several; a worker has one.
        if self._redis is None or self._loop is not loop:
            self._loop = loop
            self._redis = Redis.from_url(
                str(settings.CACHES["default"]["LOCATION"]),
                socket_timeout=1,
                socket_connect_timeout=1,
                retry=Retry(NoBackoff(), 0),
            )
        return self._redis

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()
            self._redis = None

    def check(self, request: CheckRequest) -> asyncio.Future[CheckResult]:
        """Return a future of the result. It is set in every case: by Redis, or locally without it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[CheckResult] = loop.create_future()
        # While a batch is under way, its end sends the next one. With an open circuit no request waits for that
        # batch, which may hang until its timeout.
        if not self.waiting and not (self.is_flushing and loop is self._loop and not self.circuit_open_until):
            loop.call_soon(self._flush)
        self.waiting.append((request, future))
        return future

    def _flush(self) -> None:
        batch, self.waiting = self.waiting, []
        if batch:
            self.is_flushing = True
            # Kept in an attribute, because the loop holds its tasks weakly.
            self._task = asyncio.ensure_future(self._check_batch(batch))

    async def _check_batch(self, batch: list[tuple[CheckRequest, asyncio.Future[CheckResult]]]) -> None:
        """Set the result of each, whatever happens: a future without one is a request that hangs."""
        try:
            requests = [request for request, _ in batch]
            results = await self._check_in_redis(requests) or [self.local.check(request) for request in requests]
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)
        except Exception as error:  # the boundary: each request gets the error, and the next batch is sent
            log.exception("request_check_failed")
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        finally:
            for _, future in batch:
                # Does nothing to a future with a result. The others belong to a batch that was cancelled itself.
                future.cancel()
            self.is_flushing = False
            self._flush()

    async def _check_in_redis(self, requests: list[CheckRequest]) -> list[CheckResult] | None:
        """Return the results, or None while Redis is unavailable."""
        now = time.monotonic()
        if now < self.circuit_open_until:
            return None
        # Half open: this batch tries Redis, and those that come meanwhile do not wait for it.
        if self.circuit_open_until:
            self.circuit_open_until = now + CIRCUIT_OPEN_SECONDS
        arguments = [self.rules]
        for item in requests:
            arguments += [item.session_key, item.scope, item.caller, item.tier, item.cached_generation]
        try:
            values = await _with_timeout(self._run_script(arguments))
        except REDIS_ERRORS as error:
            self.circuit_open_until = time.monotonic() + CIRCUIT_OPEN_SECONDS
            circuit.record_failure()
            log.warning("rate_limits_local", reason=type(error).__name__)
            return None
        self.circuit_open_until = 0.0
        if circuit.is_open:
            circuit.record_success()
        results = []
        # The script returns one flat list; -1 says that the tier, and so the limit, is unknown.
        for item, start in zip(requests, range(0, len(values), VALUES_PER_RESULT), strict=True):
            session_status, generation, allowed, remaining, wait = values[start : start + VALUES_PER_RESULT]
            is_allowed = None if allowed < 0 else bool(allowed)
            result = CheckResult(session_status.decode(), generation.decode(), is_allowed, remaining, wait / 1000)
            results.append(replace(result, charged_to=(item.caller, result.tier or item.tier)))
        self.local.remember_tiers(requests, results)
        return results

    async def refund(self, caller: str, tier: str) -> None:
        """Give back what one admitted request has spent, because it was not served."""
        self.local.refund(caller)
        quota, _ = settings.RATE_LIMITS["tiers"][tier or self.local.tier_of(caller)]
        interval = settings.RATE_LIMITS["window"] / quota
        with suppress(*REDIS_ERRORS):
            await _with_timeout(self.redis.eval(REFUND_SCRIPT, 1, f"taskflow:rate_limit:{caller}", f"{interval:.3f}"))

    async def _run_script(self, arguments: list[str]) -> list[Any]:
        if not self._sha:
            self._sha = await self.redis.script_load(LUA_SCRIPT)
        try:
            values: list[Any] = await self.redis.evalsha(self._sha, 0, *arguments)
        except NoScriptError:
            # Redis was restarted and has lost the script; EVAL loads it again.
            values = await self.redis.eval(LUA_SCRIPT, 0, *arguments)
        return values


async def _with_timeout(script: Awaitable[Any]) -> list[Any]:
    """Wait for a quarter of a second, but at least TIMEOUT_STEPS turns of the loop. Raises TimeoutError.

    If the event loop was blocked for that long, Redis' answer may have arrived without being read. Falling back to
    local limits then would admit too many requests.
    """
    task = asyncio.ensure_future(script)
    for _ in range(TIMEOUT_STEPS):
        if (await asyncio.wait({task}, timeout=TIMEOUT_STEP))[0]:
            result: list[Any] = task.result()
            return result
    task.cancel()
    raise TimeoutError


class LocalLimiter:
    """Rate limiting in this process alone, at `1/share` of the tier's quota."""

    def __init__(self, rules: dict[str, Any], *, share: int) -> None:
        self.rules = rules
        self.share = share
        self.full_at: dict[str, float] = {}
        self.tiers: dict[str, str] = {}

    def remember_tiers(self, requests: Sequence[CheckRequest], results: Sequence[CheckResult]) -> None:
        """Remember the tiers of callers that are not on the free one."""
        for request, result in zip(requests, results, strict=True):
            if result.tier and result.tier != DEFAULT_TIER:
                self.tiers[request.caller] = result.tier
        # A forgotten caller counts as one of the free tier until its next check in Redis.
        if len(self.tiers) > MAX_LOCAL_CALLERS:
            self.tiers.clear()

    def tier_of(self, caller: str) -> str:
        return self.tiers.get(caller, DEFAULT_TIER)

    def check(self, request: CheckRequest) -> CheckResult:
        now = time.monotonic() * 1000
        quota, burst = self.rules["tiers"][request.tier or self.tier_of(request.caller)]
        interval = self.rules["window"] / max(1, quota // self.share)
        # The depth of the bucket in milliseconds: quota and burst may be used at once.
        depth = interval * max(1, (quota + burst) // self.share)
        # GCRA, as in request_check.lua: `full_at` is when the bucket will be full again.
        full_at = max(self.full_at.get(request.caller, 0.0), now) + interval
        if full_at - now > depth:
            return CheckResult(allowed=False, wait=(full_at - now - depth) / 1000)
        if len(self.full_at) > MAX_LOCAL_CALLERS:
            self.full_at = {caller: time_full for caller, time_full in self.full_at.items() if time_full > now}
        self.full_at[request.caller] = full_at
        remaining = int((depth - (full_at - now)) / interval)
        return CheckResult(allowed=True, remaining=remaining, charged_to=(request.caller, request.tier))

    def refund(self, caller: str) -> None:
        """Give back what one request has spent."""
        if caller in self.full_at:
            quota, _ = self.rules["tiers"][self.tier_of(caller)]
            self.full_at[caller] -= self.rules["window"] / max(1, quota // self.share)
