"""Cached values that are never stale, whatever happens to Redis.

Every value belongs to a scope (mostly a user) and is stored under the scope's *generation*. A write replaces, in its
commit hook and before the writer gets a response, the generations of all who can see the change; a value that is built
from older rows is then stored under a generation that is never read again. A lost generation is replaced by a new one.

The hook can fail while Redis is unavailable. So generations count only while there is a *lease*: a key that lives
LEASE_SECONDS, and that the relay renews only after it has replaced the generations of every event it can see. A writer
whose hook fails retries for as long as the lease could still be held, and gets its response then.
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
# In a request's environ: the global generation, where the gateway has just found the session active. No header has this name.
GLOBAL_GENERATION_KEY = "taskflow.global_generation"
LEASE_SECONDS = 2.0
# Longer than any cached value lives. A generation that expires is replaced by a new random one, never reused.
GENERATION_TTL = 7 * 24 * 3600
RETRY_INTERVAL = 0.05
log = structlog.get_logger(__name__)


def generation_key(scope: str) -> str:
    return f"taskflow:generation:{scope}"


def new_generation() -> str:
    # Random, not a counter: a Redis that comes back with older contents would count to the same numbers again.
    return uuid.uuid4().hex


def generation(scope: str) -> str | None:
    """Return the current generation of a scope; None while nothing may be cached.

    It consists of the global generation and the scope's own.
    """
    keys = [generation_key(GLOBAL_SCOPE), generation_key(scope)]
    try:
        with redis.optional_client() as client:
            lease, *generations = client.mget(LEASE, *keys)
            if lease is None:
                return None
            if None in generations:
                # nx: of two processes that find a generation missing, one sets it, and both then read that one.
                for key in keys:
                    client.set(key, new_generation(), nx=True, ex=GENERATION_TTL)
                generations = client.mget(*keys)
    except RedisError:
        return None
    return None if None in generations else ".".join(map(str, generations))


def get_or_build(scope: str, name: str, *, seconds: int, build: Callable[[], T]) -> T:
    """Return the cached value `name` of this scope, or build and cache it for `seconds`."""
    current = generation(scope)
    if current is None:
        return build()
    key = f"cache:{scope}:{current}:{name}"
    # The generation was read before `build` runs. A write that commits meanwhile replaces it, so what is stored here is
    # never read.
    value: T | None = cache.get(key)
    if value is None:
        value = build()
        cache.set(key, value, seconds)
    return value


def invalidate_after_commit(scopes: Iterable[str]) -> None:
    """Invalidate everything cached under these scopes when the current transaction commits."""
    # robust: the rows are committed, so an error here must neither become the answer nor skip the other hooks.
    transaction.on_commit(partial(bump_generations, tuple(scopes)), robust=True)


def bump_generations(scopes: Iterable[str]) -> None:
    """Invalidate everything cached under these scopes now."""
    # An empty pipeline would still cost a round trip.
    if scopes := tuple(scopes):
        retry_until_lease_ends(partial(bump_generations_once, scopes))


def bump_generations_once(scopes: Iterable[str]) -> None:
    """Invalidate these scopes in one attempt. Raises RedisError."""
    # One round trip. The commands are independent of each other, so they need no MULTI.
    with redis.client().pipeline(transaction=False) as pipe:
        for scope in scopes:
            pipe.set(generation_key(scope), new_generation(), ex=GENERATION_TTL)
        pipe.execute()


# -inf: Redis has not failed yet. A process that starts during an outage waits once for the lease to end.
_failing_since = _failed_at = float("-inf")


def retry_until_lease_ends(command: Callable[[], None]) -> None:
    """Run a command on Redis; if it fails, retry until the lease must have ended.

    While Redis has been failing for longer than that, one attempt is enough. A failure of long ago does not count.
    """
    global _failing_since, _failed_at  # noqa: PLW0603 -- what this process knows of Redis
    while True:
        try:
            command()
        except RedisError:
            now = time.monotonic()
            # A failure after a pause begins a new outage, before which a lease may have been renewed.
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
    """Return the end, in milliseconds of Redis' clock, of a lease that begins now. Raises RedisError."""
    seconds, microseconds = redis.client().time()
    # By Redis' clock, because the clocks of relay and nodes may differ by more than the lease lasts.
    return int((seconds + LEASE_SECONDS) * 1000 + microseconds / 1000)


def renew_lease(until: int) -> None:
    """Allow the use of cached values until then, after everything due was invalidated. Raises RedisError.

    The end is an instant, not a duration: a frozen Redis runs commands late, and must not extend the lease by them.
    """
    redis.client().set(LEASE, "open", pxat=until)
