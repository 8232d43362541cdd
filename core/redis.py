"""The Redis client for everything but cached values: generations, session status, rate limits, notifications.

A call gives up after TIMEOUT seconds and raises RedisError; the caller decides what happens without Redis.
"""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# Seconds. A healthy Redis answers in one millisecond; a request must not wait noticeably for one that hangs.
TIMEOUT = 0.25


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
