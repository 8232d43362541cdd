"""Rate limits of single actions: uses within a window (django-ratelimit), and exponential backoff after failures.

Both are counted in Redis for all nodes. While Redis is unavailable each process counts by itself, at its share, so an action
is never unlimited and never blocked for all.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from threading import Lock

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

from core import redis
from core.errors import RateLimited

RATE_PATTERN = re.compile(r"(\d+)/(\d*)([smhd])")
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
MAX_LOCAL_KEYS = 50_000
CIRCUIT_OPEN_SECONDS = 2.0
COUNT_KEY, BACKOFF_KEY = "taskflow:failures:{}", "taskflow:backoff:{}"


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff: after `free_attempts` failures each further one doubles the wait, up to `max_wait` seconds.

    Failures are forgotten after `window` seconds without one, which must be longer than any wait.
    """

    free_attempts: int
    window: int = 3600
    max_wait: int = 900

    def wait_after(self, count: int) -> int:
        """Return the wait in seconds after so many failures: 0 for the free ones, then 1, 2, 4 ..."""
        return 0 if count <= self.free_attempts else min(self.max_wait, 1 << min(count - self.free_attempts - 1, 20))

    def share(self) -> Backoff:
        """Return the backoff of one process, while it counts alone."""
        return replace(self, free_attempts=max(1, self.free_attempts // settings.NODE_COUNT))


def consume(request: HttpRequest, *, group: str, key: str, rate: str) -> None:
    """Count one use of `group` by `key`. Raises RateLimited beyond `rate`, like `10/5m`."""
    usage, wait = None, 0.0
    if time.monotonic() >= _local_limiter.redis_retry_at:
        usage = get_usage(request, group=group, key=lambda _group, _request: key, rate=rate, increment=True)
    if usage is None:  # Redis is unavailable; not every request waits for its timeout
        _local_limiter.open_circuit()
        wait = _local_limiter.consume(f"{group}:{key}", rate)
    elif usage["should_limit"]:
        wait = max(1, usage["time_left"])  # in the last second of a window it is 0, but the limit still holds
    if wait:
        raise _rate_limited(wait)


def check_backoff(names: Iterable[str]) -> None:
    """Raise RateLimited while one of these names has to wait after failures."""
    names = list(names)
    try:
        with redis.client().pipeline(transaction=False) as pipe:
            for name in names:
                pipe.pttl(BACKOFF_KEY.format(name))
            # PTTL is -2 without a key, so no backoff gives no wait.
            wait = max(pipe.execute(), default=0) / 1000
    except RedisError:
        wait = max(map(_local_limiter.wait, names), default=0.0)
    if wait > 0:
        raise _rate_limited(wait)


def record_failure(name: str, backoff: Backoff) -> None:
    """Count a failure, and start the wait once no free attempts are left."""
    try:
        with redis.client().pipeline() as pipe:
            # In one transaction (MULTI), so that no counter remains without an expiry.
            pipe.incr(COUNT_KEY.format(name))
            pipe.expire(COUNT_KEY.format(name), backoff.window)
            count = pipe.execute()[0]
        if wait := backoff.wait_after(count):
            redis.client().set(BACKOFF_KEY.format(name), 1, ex=wait)
    except RedisError:
        _local_limiter.record_failure(name, backoff.share())


def reset_failures(name: str) -> None:
    # Both: failures may have been counted here while Redis was away.
    _local_limiter.failures.pop(name, None)
    try:
        redis.client().delete(COUNT_KEY.format(name), BACKOFF_KEY.format(name))
    except RedisError:
        return  # they expire by themselves


def _rate_limited(wait: float) -> RateLimited:
    return RateLimited("Too many attempts. Wait a moment and try again.", retry_after=max(1, -int(-wait // 1)))


@dataclass
class _LocalLimiter:
    """The same limits in this process alone."""

    lock: Lock = field(default_factory=Lock)
    uses: dict[tuple[str, int], int] = field(default_factory=dict)
    failures: dict[str, tuple[int, float]] = field(default_factory=dict)
    # On the monotonic clock: when Redis is asked again after a failure.
    redis_retry_at: float = 0.0

    def open_circuit(self) -> None:
        now = time.monotonic()
        if now >= self.redis_retry_at:
            self.redis_retry_at = now + CIRCUIT_OPEN_SECONDS

    def consume(self, name: str, rate: str) -> float:
        """Return the wait in seconds: 0 within this process's share of the rate."""
        quota, times, unit = RATE_PATTERN.fullmatch(rate).groups()  # type: ignore[union-attr]  # django-ratelimit has read it
        period, now = int(times or 1) * UNIT_SECONDS[unit], time.time()
        # Fixed windows, as django-ratelimit counts in Redis.
        window = (name, int(now // period))
        with self.lock:
            if len(self.uses) > MAX_LOCAL_KEYS:
                # Forgetting all is simple, and happens only while Redis is away and 50,000 keys were used.
                self.uses.clear()
            self.uses[window] = self.uses.get(window, 0) + 1
            is_within = self.uses[window] <= max(1, int(quota) // settings.NODE_COUNT)
        return 0.0 if is_within else period - now % period

    def wait(self, name: str) -> float:
        return self.failures.get(name, (0, 0.0))[1] - time.monotonic()

    def record_failure(self, name: str, backoff: Backoff) -> None:
        with self.lock:
            if len(self.failures) > MAX_LOCAL_KEYS:
                self.failures.clear()
            count = self.failures.get(name, (0, 0.0))[0] + 1
            self.failures[name] = (count, time.monotonic() + backoff.wait_after(count))


_local_limiter = _LocalLimiter()
