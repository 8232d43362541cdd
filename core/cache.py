"""Remembered answers that are never stale, whatever happens to Redis.

Every answer belongs to a scope (mostly a person) and is kept under the scope's *generation*. A write raises the
generations of all who can see it in its commit hook, before the writer is answered; an answer built from older
rows is then kept under a generation that nobody asks for any more. A lost generation is replaced by a fresh one.

The hook can fail while Redis is away. So generations count only while the *gate* is open: a key that lives
GATE_SECONDS and that the relay renews only after it has raised the generations of every fact it can see. A writer
whose hook fails tries on for as long as the gate could still be open, and is answered then.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

import structlog
from django.core.cache import cache
from django.db import transaction
from redis.exceptions import RedisError

from core import redis

T = TypeVar("T")

LEASE = "taskflow:cache_lease"
GLOBAL_SCOPE = "global"
# In a request's environment: everybody's generation, where the session has just been found alive. No header has this name.
GLOBAL_GENERATION_KEY = "taskflow.global_generation"
LEASE_SECONDS = 2.0
GENERATION_TTL = 7 * 24 * 3600
RETRY_INTERVAL = 0.05
log = structlog.get_logger(__name__)


def generation_key(scope: str) -> str:
    return f"taskflow:generation:{scope}"


def new_generation() -> str:
    return uuid.uuid4().hex


def generation(scope: str) -> str | None:
    """Return the current generation of a scope, everybody's included, or None while nothing may be remembered."""
    keys = [generation_key(GLOBAL_SCOPE), generation_key(scope)]
    try:
        gate, *found = redis.client().mget(LEASE, *keys)
        if gate is None:
            return None
        if None in found:
            for key in keys:
                redis.client().set(key, new_generation(), nx=True, ex=GENERATION_TTL)
            found = redis.client().mget(*keys)
    except RedisError:
        return None
    return None if None in found else ".".join(map(str, found))


def get_or_build(scope: str, name: str, *, seconds: int, build: Callable[[], T]) -> T:
    """Return the remembered answer `name` of this scope, or build it and keep it for `seconds`."""
    current = generation(scope)
    if current is None:
        return build()
    key = f"cache:{scope}:{current}:{name}"
    found: T | None = cache.get(key)
    if found is None:
        found = build()
        cache.set(key, found, seconds)
    return found


def invalidate_after_commit(scopes: Iterable[str]) -> None:
    """End everything remembered under these scopes, once the present transaction is committed."""
    transaction.on_commit(partial(bump_generations, tuple(scopes)), robust=True)


def bump_generations(scopes: Iterable[str]) -> None:
    """End everything remembered under these scopes now."""
    if named := tuple(scopes):
        retry_until_lease_ends(partial(bump_generations_once, named))


def bump_generations_once(scopes: Iterable[str]) -> None:
    """The same in one attempt; raises RedisError."""
    with redis.client().pipeline(transaction=False) as pipe:
        for scope in scopes:
            pipe.set(generation_key(scope), new_generation(), ex=GENERATION_TTL)
        pipe.execute()


_failing_since = _failed_at = float("-inf")


def retry_until_lease_ends(command: Callable[[], None]) -> None:
    """Run a command on Redis; when it fails, try on until the gate must have closed.

    What is known to fail since long ago is tried only once, but a failure of long ago says nothing of Redis now.
    """
    global _failing_since, _failed_at  # noqa: PLW0603 -- what this process knows of Redis
    while True:
        try:
            command()
        except RedisError:
            now = time.monotonic()
            if now - _failed_at > LEASE_SECONDS:
                _failing_since = now
            _failed_at = now
            if now - _failing_since > LEASE_SECONDS:
                log.warning("redis_unavailable")
                return
            time.sleep(RETRY_INTERVAL)
        else:
            _failed_at = float("-inf")
            return


def lease_end() -> int:
    """Return until when, on Redis' clock, the gate may be open for who looks at all facts now; raises RedisError."""
    seconds, microseconds = redis.client().time()
    return int((seconds + LEASE_SECONDS) * 1000 + microseconds / 1000)


def renew_lease(until: int) -> None:
    """Let remembered answers be used until then; only for who has just raised what had to be raised.

    The end is a moment, not a length: a frozen Redis carries out commands late, and must not open the gate by them.
    """
    redis.client().set(LEASE, "open", pxat=until)
