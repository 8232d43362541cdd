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

from core.logging import write_hits
from gateway import bodies, cors, even
from gateway.admission import Admission, Lane, Overloaded
from gateway.answers import Capture, answer, refuse, refuse_overload, with_limits
from gateway.bodies import Receive, Scope, Send
from gateway.calls import Call, call_of
from gateway.check import Checker, Question, Verdict
from gateway.identity import Claims, Tokens
from gateway.keyring import NO_KEYS, Keyring, KeySource, is_current
from gateway.near import Kept, NearCache
from gateway.problems import API_PREFIX
from gateway.rebuilds import Rebuilds
from gateway.sessions import Sessions
from gateway.threads import Threads
from gateway.warming import Popular, Warmer

FREE = ("/api/v1/health",)
KEPT_SECONDS = 300
# The loop, which answers from memory and refuses, shall not wait for 5 ms each time a thread of Django computes. With
# less than this, threads that compute spend their time on changing places: 40 times in one request at 0.5 ms.
SWITCH_SECONDS = 0.002
LOOKUPS = Counter("gateway_cache_lookups", "Answers looked up in the process.", ["outcome"])
HITS, MISSES = LOOKUPS.labels("hit"), LOOKUPS.labels("miss")
LIMITED = Counter("gateway_limited_requests", "Requests beyond the caller's limit.", ["tier"])


class Gateway:
    def __init__(self, django: WSGIApplication, sessions: Sessions, keys: KeySource = NO_KEYS) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        self.django = Threads(django, settings.THREADS)
        self.sessions = sessions
        self.tokens = Tokens()
        self.keyring = Keyring(keys)
        self.noting: set[asyncio.Task[None]] = set()
        self.checker = Checker()
        self.admission = Admission()
        self.hashing = Lane(max(1, settings.THREADS // 2))
        self.near = NearCache(settings.NEAR_CACHE_BYTES)
        self.rebuilds = Rebuilds()
        self.popular = Popular()
        self.warmer = Warmer(self.popular, self.checker, self.admission, self.tokens, sessions, self.rebuilt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        elif scope["type"] == "http":
            call = call_of(scope, receive, send, self.tokens)
            await (even.on_the_beat(call, self.http) if even.concerns(call) else self.http(call))
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def live(self, receive: Receive, send: Send) -> None:
        await receive()
        warming = asyncio.create_task(self.warmer.run())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        warming.cancel()
        write_hits()
        self.django.close()
        await self.checker.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def http(self, call: Call) -> None:
        if call.names_two_hosts:
            await refuse(call, 400, "Name the host once.")
            return
        if cors.concerns(call):
            call.send = cors.with_origin(call)
            if call.is_preflight:
                await cors.answer_preflight(call)
                return
        path = call.scope["path"]
        if path.startswith(API_PREFIX) and path.rstrip("/") not in FREE:
            await self.api(call)
        else:
            await self.enter(call)

    async def api(self, call: Call) -> None:
        if call.key and not await self.identify(call):
            await refuse_overload(call)
            return
        if not call.may_be_kept and self.admission.refuses():
            await refuse_overload(call)  # whatever the check might say; so it costs no round trip
            return
        known = self.near.get(call.claims.reader, call.url) if call.claims and call.may_be_kept else None
        try:
            verdict = await self.judge(call, known)
        except Overloaded:
            await refuse_overload(call)
            return
        if verdict.admitted is False:
            LIMITED.labels(verdict.tier or "anonymous").inc()
            await refuse(call, 429, "You have asked too much for now.", wait=verdict.wait, code="rate_limited")
            return
        call.as_of, call.judged = verdict.everybody, time.perf_counter()
        if call.may_be_kept and verdict.may_be_kept:
            await self.remembered(call, verdict, known)
            return
        call.send = with_limits(call.send, verdict)
        await self.enter(call)

    async def identify(self, call: Call) -> bool:
        """Say whose key it is, if it is somebody's and current; False when nobody has the time to look it up."""
        claims = self.keyring.read(call.key)
        if claims is None and (offered := self.keyring.offered(call.key, call.address)):
            try:
                async with self.admission.slot():
                    claims = await self.django.run(self.keyring.look_up_in_thread, offered)
            except Overloaded:
                return False
            except DatabaseError:
                return True  # Django says what is the matter
            self.keyring.learn(call.key, call.address, claims)
        if claims is not None and is_current(claims, call.address):
            call.belongs_to(claims)
            if self.keyring.source.is_due(claims.session_id):
                self._note_use(claims.session_id, call.address)
        return True

    def _note_use(self, key_id: str, address: str) -> None:
        """When and from where a key was used last; nobody waits for it."""

        async def note() -> None:
            with suppress(Overloaded, DatabaseError):
                async with self.admission.slot():
                    await self.django.run(self.keyring.note_use_in_thread, (key_id, address))

        task = asyncio.create_task(note())
        self.noting.add(task)
        task.add_done_callback(self.noting.discard)

    async def judge(self, call: Call, known: Kept | None) -> Verdict:
        """Ask the check; a session that Redis does not know is looked up in PostgreSQL, and the check asked again."""
        claims = call.claims
        if claims is None:
            return await self.checker.ask(Question(caller=f"ip:{call.address}", tier="anonymous"))
        fresh = known is not None and known.etag == call.headers.get(b"if-none-match")
        question = Question(
            caller=claims.caller,
            session_key=self.sessions.key(claims.session_id),
            scope=claims.user_id,
            known=known.generation if known is not None and fresh else "",
        )
        verdict = await self.checker.ask(question)
        if verdict.admitted is not None:
            return verdict
        # One that is known to be revoked stays so.
        tier = "" if verdict.liveness else await self._tier_of(claims, question.caller)
        if not tier:
            return await self.checker.ask(Question(caller=f"ip:{call.address}", tier="anonymous"))
        return await self.checker.ask(Question(question.caller, question.session_key, question.scope, tier))

    async def _tier_of(self, claims: Claims, caller: str) -> str:
        """Return what PostgreSQL knows, nothing for a dead session; raises Overloaded."""
        try:
            async with self.admission.slot():
                found = await self.django.run(self.sessions.look_up_in_thread, uuid.UUID(claims.session_id))
                return found.partition(":")[2]
        except (RedisError, DatabaseError):
            return self.checker.local.tier_of(caller)

    async def remembered(self, call: Call, verdict: Verdict, known: Kept | None) -> None:
        """Answer from the process, from another node's rebuild, or from Django, in this order."""
        if not call.is_of_the_minute and not call.key:
            self.popular.count(call)
        if known is not None and known.generation == verdict.generation:
            HITS.inc()
            await answer(call, known, verdict)
            return
        MISSES.inc()
        kept, capture = await self.rebuilt(call, verdict.generation)
        if kept is not None:
            await answer(call, kept, verdict, is_logged=bool(capture.messages))
            return
        call.send = with_limits(call.send, verdict)
        if capture.messages:
            for message in capture.messages:
                await call.send(message)
        else:
            await self.enter(call)

    async def rebuilt(self, call: Call, generation: str) -> tuple[Kept | None, Capture]:
        """Return the answer to keep, if there is one, and what Django said if it was asked for this call."""
        assert call.claims is not None
        reader, capture = call.claims.reader, Capture(generation)
        kept = await self.rebuilds.get(
            self.checker.redis,
            reader,
            call.url,
            generation,
            seconds=KEPT_SECONDS,
            build=lambda: self.build(call, capture),
        )
        if kept is not None:
            self.near.put(reader, call.url, kept)
        return kept, capture

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
        if self.admission.refuses():
            await refuse_overload(call)  # before the body is read, which would be for nothing
            return
        try:
            body = await bodies.read(call.scope, call.receive, limit=bodies.limit_for(call.scope["path"]))
            async with self._lane(call), self.admission.slot():
                await self.django(call.named_scope(), body, call.receive, bodies.in_one_piece(call.send))
        except bodies.BodyTooLarge:
            await refuse(call, 413, "The body is too large.", code="content_too_large")
        except bodies.ClientGone:
            return
        except Overloaded:
            await refuse_overload(call)

    def _lane(self, call: Call) -> AbstractAsyncContextManager[None]:
        return self.hashing.place() if even.concerns(call) else nullcontext()
