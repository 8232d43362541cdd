"""One Redis round trip for all requests of an event-loop turn: rate limit, session liveness, generation.

Invariant: every request that reaches the script in one turn is judged at one moment of Redis' clock, by one script,
so the limit is exact over all nodes. What comes while a round trip is under way goes together with the next one.
Without Redis a node limits on its own, at its share of the quota; one batch every PAUSE finds out whether Redis is
back, and nobody else waits for it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

LUA_SCRIPT = (Path(__file__).parent / "request_check.lua").read_text()
VALUES_PER_RESULT = 5
CIRCUIT_OPEN_SECONDS = 0.5
TIMEOUT_STEPS, TIMEOUT_STEP = 5, 0.05
MAX_LOCAL_CALLERS = 50_000
DEFAULT_TIER = "free"
# The last two are what the client says of a connection that was broken off midway.
REDIS_ERRORS = (RedisError, OSError, RuntimeError, AttributeError)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What one request asks. `tier` is known only for callers without a session; `known` makes a 304 free."""

    caller: str
    session_key: str = ""
    scope: str = ""
    tier: str = ""
    known: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`generation` is empty while nothing may be remembered; `admitted` is None when the tier is not known yet."""

    session_status: str = ""
    generation: str = ""
    allowed: bool | None = None
    remaining: int = 0
    wait: float = 0.0

    @property
    def is_cacheable(self) -> bool:
        return bool(self.generation) and self.session_status.startswith("alive")

    @property
    def global_generation(self) -> str:
        """Everybody's part of the generation, if the session is alive and the gate open."""
        return self.generation.partition(".")[0] if self.is_cacheable else ""

    @property
    def tier(self) -> str:
        return self.session_status.partition(":")[2]


class RequestChecker:
    """Collects the questions of a turn and asks them together."""

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
        """The client of the running loop; its answers are bytes."""
        loop = asyncio.get_running_loop()
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

    def ask(self, question: CheckRequest) -> asyncio.Future[CheckResult]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[CheckResult] = loop.create_future()
        if not self.waiting and not (self.is_flushing and loop is self._loop and not self.circuit_open_until):
            loop.call_soon(self._flush)
        self.waiting.append((question, answer))
        return answer

    def _flush(self) -> None:
        batch, self.waiting = self.waiting, []
        if batch:
            self.is_flushing = True
            self._task = asyncio.ensure_future(self._evaluate_batch(batch))

    async def _evaluate_batch(self, batch: list[tuple[CheckRequest, asyncio.Future[CheckResult]]]) -> None:
        """Answer each of them, whatever happens: a question without an answer is a request that hangs."""
        try:
            questions = [question for question, _ in batch]
            verdicts = await self._from_redis(questions) or [self.local.evaluate(question) for question in questions]
            for (_, answer), verdict in zip(batch, verdicts, strict=True):
                if not answer.done():
                    answer.set_result(verdict)
        except Exception as error:  # the boundary: whatever it is, each of them is told, and the next batch is asked
            log.exception("request_check_failed")
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
        finally:
            for _, answer in batch:
                answer.cancel()
            self.is_flushing = False
            self._flush()

    async def _from_redis(self, questions: list[CheckRequest]) -> list[CheckResult] | None:
        now = time.monotonic()
        if now < self.circuit_open_until:
            return None
        if self.circuit_open_until:
            self.circuit_open_until = now + CIRCUIT_OPEN_SECONDS
        arguments = [self.rules]
        for one in questions:
            arguments += [one.session_key, one.scope, one.caller, one.tier, one.known]
        try:
            flat = await _with_timeout(self._run(arguments))
        except REDIS_ERRORS as error:
            self.circuit_open_until = time.monotonic() + CIRCUIT_OPEN_SECONDS
            log.warning("rate_limits_local", reason=type(error).__name__)
            return None
        self.circuit_open_until = 0.0
        verdicts = [
            _parse_result(flat[start : start + VALUES_PER_RESULT]) for start in range(0, len(flat), VALUES_PER_RESULT)
        ]
        self.local.learn(questions, verdicts)
        return verdicts

    async def _run(self, arguments: list[str]) -> list[Any]:
        if not self._sha:
            self._sha = await self.redis.script_load(LUA_SCRIPT)
        try:
            found: list[Any] = await self.redis.evalsha(self._sha, 0, *arguments)
        except NoScriptError:
            found = await self.redis.eval(LUA_SCRIPT, 0, *arguments)
        return found


async def _with_timeout(asked: Coroutine[Any, Any, list[Any]]) -> list[Any]:
    """Wait for a quarter of a second, but not less than TURNS turns of the loop: one that was kept from running for so
    long has not looked yet whether the answer is there, and to limit locally then would admit too much."""
    task = asyncio.ensure_future(asked)
    for _ in range(TIMEOUT_STEPS):
        if (await asyncio.wait({task}, timeout=TIMEOUT_STEP))[0]:
            return task.result()
    task.cancel()
    raise TimeoutError


def _parse_result(values: list[Any]) -> CheckResult:
    session_status, generation, allowed, remaining, wait = values
    return CheckResult(
        session_status.decode(), generation.decode(), None if allowed < 0 else bool(allowed), remaining, wait / 1000
    )


class LocalLimiter:
    """The same arithmetic in this process alone, at `1/share` of the quota of the tier that the caller last had."""

    def __init__(self, rules: dict[str, Any], *, share: int) -> None:
        self.rules = rules
        self.share = share
        self.full_at: dict[str, float] = {}
        self.tiers: dict[str, str] = {}

    def learn(self, questions: Sequence[CheckRequest], verdicts: Sequence[CheckResult]) -> None:
        """Remember the tiers of those who are not on the free one."""
        for question, verdict in zip(questions, verdicts, strict=True):
            if verdict.tier and verdict.tier != DEFAULT_TIER:
                self.tiers[question.caller] = verdict.tier
        if len(self.tiers) > MAX_LOCAL_CALLERS:
            self.tiers.clear()

    def tier_of(self, caller: str) -> str:
        return self.tiers.get(caller, DEFAULT_TIER)

    def evaluate(self, question: CheckRequest) -> CheckResult:
        now = time.monotonic() * 1000
        quota, burst = self.rules["tiers"][question.tier or self.tier_of(question.caller)]
        interval = self.rules["window"] / max(1, quota // self.share)
        depth = interval * max(1, (quota + burst) // self.share)
        full_at = max(self.full_at.get(question.caller, 0.0), now) + interval
        if full_at - now > depth:
            return CheckResult(allowed=False, wait=(full_at - now - depth) / 1000)
        if len(self.full_at) > MAX_LOCAL_CALLERS:
            self.full_at = {caller: at for caller, at in self.full_at.items() if at > now}
        self.full_at[question.caller] = full_at
        return CheckResult(allowed=True, remaining=int((depth - (full_at - now)) / interval))
