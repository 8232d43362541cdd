"""The Redis client for everything but cached values: generations, session status, rate limits, notifications.

A call gives up after TIMEOUT seconds and raises RedisError; the caller decides what happens without Redis. Calls that may
be left out use `optional_client`: of a request that makes several of them only one waits for a Redis that hangs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from core.circuit_breaker import CircuitBreaker

# Seconds. A healthy Redis answers in one millisecond; a request must not wait noticeably for one that hangs.
TIMEOUT = 0.25
# What this process knows of Redis, from these calls and from the gateway's.
circuit = CircuitBreaker(max_failures=1, pause=2.0)


@lru_cache(maxsize=1)
def client() -> Redis:
    return Redis.from_url(
        str(settings.CACHES["default"]["LOCATION"]),
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        # No retries: a caller must not wait longer than TIMEOUT, and decides itself whether to try again.
        retry=Retry(NoBackoff(), 0),
        # Text for everyone but the gateway, which handles bytes and has an asynchronous client of its own.
        decode_responses=True,
    )


@contextmanager
def optional_client() -> Iterator[Redis]:
    """Yield the client for calls that may be left out; raises RedisError at once while Redis is failing.

    Not for invalidations: one that is left out just after Redis came back would leave a stale response in use.
    """
    if not circuit.allows_call():
        raise RedisConnectionError("Redis failed a moment ago.")
    try:
        yield client()
    except RedisError:
        circuit.record_failure()
        raise
    circuit.record_success()
