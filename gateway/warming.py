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

from gateway.admission import Admission
from gateway.answers import Capture
from gateway.bodies import Message
from gateway.calls import Call, call_of
from gateway.check import ALWAYS_FREE, Checker, Question, Verdict
from gateway.identity import Tokens
from gateway.near import Kept
from gateway.rebuilds import kept_key
from gateway.sessions import Sessions

HOT, LOCK = "taskflow:hot", "taskflow:hot:lock"
ROUND, HALF_LIFE = 1.0, 60.0
LASTS_A_ROUND = 0.5 ** (ROUND / HALF_LIFE)
MOST_KNOWN, MOST_COUNTED, MOST_WARMED = 200, 1000, 50
# Who read a thing once or twice does not wait for it.
WORTH_WARMING, FORGOTTEN = 2.5, 0.5
LONGEST = 2000
# What of a request decides its answer beside the path, the query and the token.
NAMED = (b"host", b"accept", b"accept-encoding", b"x-forwarded-proto")
WARMED = Counter("gateway_warmed_answers", "Answers built before anybody asked for them.")
Rebuilt = Callable[[Call, str], Awaitable[tuple[Kept | None, Capture]]]
log = structlog.get_logger(__name__)


class Popular:
    """How often each answer was read through this process since it was last told."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str, str], float] = {}
        self.members: dict[tuple[str, str, str], str] = {}

    def count(self, call: Call) -> None:
        assert call.claims is not None
        key = (call.claims.user_id, call.claims.session_id, call.url)
        seen = self.counts.get(key)
        if seen is not None:
            self.counts[key] = seen + 1
        elif len(self.counts) < MOST_COUNTED and len(member := _member(call)) <= LONGEST:
            self.counts[key], self.members[key] = 1, member

    def taken(self) -> dict[str, float]:
        """Return the counts, and begin anew."""
        found = {self.members[key]: number for key, number in self.counts.items()}
        self.counts, self.members = {}, {}
        return found


def _member(call: Call) -> str:
    """What the read is known by over all nodes: all that is needed to ask it again, except a token."""
    assert call.claims is not None
    query = call.scope["query_string"].decode("latin-1")
    headers = {name.decode(): call.text(name) for name in NAMED if name in call.headers}
    headers["accept-encoding"] = call.encoding
    return json.dumps([call.claims.user_id, call.claims.session_id, call.scope["path"], query, headers])


class Warmer:
    def __init__(
        self,
        popular: Popular,
        checker: Checker,
        admission: Admission,
        tokens: Tokens,
        sessions: Sessions,
        rebuilt: Rebuilt,
    ) -> None:
        self.popular = popular
        self.checker = checker
        self.admission = admission
        self.tokens = tokens
        self.sessions = sessions
        self.rebuilt = rebuilt

    async def run(self) -> None:
        while True:
            await asyncio.sleep(ROUND)
            try:
                await self.round()
            except (RedisError, OSError):
                continue  # without Redis nothing is remembered, so there is nothing to warm
            except Exception:  # the boundary of a task that nobody waits for: it goes on with the next round
                log.exception("warming_failed")

    async def round(self) -> int:
        """Tell what was read here; then, if no other node does so now, warm. Returns how many answers were built."""
        await self._tell(self.popular.taken())
        if not await self.checker.redis.set(LOCK, 1, nx=True, px=int(ROUND * 900)):
            return 0
        built, started = 0, time.monotonic()
        for call, generation in await self._missing(await self._hottest()):
            if not self.admission.is_calm or time.monotonic() - started > ROUND * 0.8:
                break
            kept, _ = await self.rebuilt(call, generation)
            built += kept is not None
        WARMED.inc(built)
        return built

    async def _tell(self, counts: dict[str, float]) -> None:
        if not counts:
            return
        async with self.checker.redis.pipeline(transaction=False) as pipe:
            for member, number in counts.items():
                pipe.zincrby(HOT, number, member)
            pipe.zremrangebyrank(HOT, 0, -MOST_KNOWN - 1)
            await pipe.execute()

    async def _hottest(self) -> list[Call]:
        async with self.checker.redis.pipeline(transaction=False) as pipe:
            pipe.zunionstore(HOT, {HOT: LASTS_A_ROUND})
            pipe.zremrangebyscore(HOT, "-inf", FORGOTTEN)
            pipe.zrange(HOT, "+inf", WORTH_WARMING, desc=True, byscore=True, offset=0, num=MOST_WARMED)
            *_, members = await pipe.execute()
        return [call for member in members if (call := self._call(json.loads(member))).may_be_kept]

    def _call(self, read: list[Any]) -> Call:
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
            "taskflow.warming": True,
        }
        return call_of(scope, _no_body, _nobody, self.tokens)

    async def _missing(self, calls: list[Call]) -> list[tuple[Call, str]]:
        """Return those that nobody has built under the present generation, with that generation."""
        verdicts = await asyncio.gather(*(self._verdict(call) for call in calls))
        found = [
            (call, verdict.generation) for call, verdict in zip(calls, verdicts, strict=True) if verdict.may_be_kept
        ]
        if not found:
            return []
        async with self.checker.redis.pipeline(transaction=False) as pipe:
            for call, generation in found:
                pipe.exists(kept_key(call.claims.user_id if call.claims else "", generation, call.url))
            return [one for one, is_kept in zip(found, await pipe.execute(), strict=True) if not is_kept]

    def _verdict(self, call: Call) -> Awaitable[Verdict]:
        assert call.claims is not None
        user, session = call.claims.user_id, call.claims.session_id
        return self.checker.ask(Question(f"user:{user}", self.sessions.key(session), scope=user, known=ALWAYS_FREE))


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _nobody(_message: Message) -> None:
    """Nobody is answered: what was built is kept."""
