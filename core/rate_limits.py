"""Limits of single doors: uses within a window by django-ratelimit, and a wait that doubles with each failure.

Both are counted in Redis for all nodes. While Redis is away each process counts by itself, at its share: a door
never stands open, and never closes for everybody.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

from core import redis
from core.errors import RateLimited

RATE_PATTERN = re.compile(r"(\d+)/(\d*)([smhd])")
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
MAX_LOCAL_KEYS = 50_000


@dataclass(frozen=True, slots=True)
class Backoff:
    """How failures are slowed down: `free` of them make nobody wait, then each doubles the wait, up to `longest` seconds.

    They are forgotten when for `remembered` seconds there was none. That has to be longer than any wait.
    """

    free_attempts: int
    window: int = 3600
    max_wait: int = 900

    def wait_after(self, count: int) -> int:
        """Return 0 for the free ones, then 1, 2, 4 ... seconds."""
        return 0 if count <= self.free_attempts else min(self.max_wait, 1 << min(count - self.free_attempts - 1, 20))

    def share(self) -> Backoff:
        """Of one process, while it counts alone."""
        return replace(self, free_attempts=max(1, self.free_attempts // settings.NODE_COUNT))


def consume(request: HttpRequest, *, group: str, key: str, rate: str) -> None:
    """Count one use of `group` by `key`; raises TooMany beyond `rate` (`10/5m`)."""
    usage = get_usage(request, group=group, key=lambda _group, _request: key, rate=rate, increment=True)
    wait = _local_limiter.spend(f"{group}:{key}", rate) if usage is None else _retry_after(usage)
    if wait:
        raise _rate_limited(wait)


def _retry_after(usage: dict[str, Any]) -> int:
    """In the last second of a window django-ratelimit says that there is no time left; the door is shut then too."""
    return max(1, usage["time_left"]) if usage["should_limit"] else 0


def check_backoff(names: Iterable[str]) -> None:
    """Raise TooMany while one of these has to wait after failures."""
    wanted = list(names)
    try:
        with redis.client().pipeline(transaction=False) as pipe:
            for name in wanted:
                pipe.pttl(_backoff_key(name))
            wait = max(pipe.execute(), default=0) / 1000
    except RedisError:
        wait = max(map(_local_limiter.wait, wanted), default=0.0)
    if wait > 0:
        raise _rate_limited(wait)


def record_failure(name: str, backoff: Backoff) -> None:
    """Count a failure; beyond the free ones, whoever has this name waits."""
    try:
        with redis.client().pipeline() as pipe:
            pipe.incr(_count_key(name))
            pipe.expire(_count_key(name), backoff.window)
            count = pipe.execute()[0]
        if wait := backoff.wait_after(count):
            redis.client().set(_backoff_key(name), 1, ex=wait)
    except RedisError:
        _local_limiter.fail(name, backoff.share())


def reset_failures(name: str) -> None:
    _local_limiter.forget(name)
    try:
        redis.client().delete(_count_key(name), _backoff_key(name))
    except RedisError:
        return  # they are forgotten after a while


def _rate_limited(wait: float) -> RateLimited:
    return RateLimited("Too many attempts. Wait a little and try again.", retry_after=max(1, -int(-wait // 1)))


def _count_key(name: str) -> str:
    return f"taskflow:failures:{name}"


def _backoff_key(name: str) -> str:
    return f"taskflow:backoff:{name}"


@dataclass
class _LocalLimiter:
    """The same arithmetic in this process alone."""

    lock: Lock = field(default_factory=Lock)
    uses: dict[tuple[str, int], int] = field(default_factory=dict)
    failures: dict[str, tuple[int, float]] = field(default_factory=dict)

    def spend(self, name: str, rate: str) -> float:
        """Return how long to wait: 0 within this process's share of the rate."""
        quota, times, unit = RATE_PATTERN.fullmatch(rate).groups()  # type: ignore[union-attr]  # django-ratelimit has read it
        period, now = int(times or 1) * UNIT_SECONDS[unit], time.time()
        window = (name, int(now // period))
        with self.lock:
            if len(self.uses) > MAX_LOCAL_KEYS:
                self.uses.clear()
            self.uses[window] = self.uses.get(window, 0) + 1
            is_within = self.uses[window] <= max(1, int(quota) // settings.NODE_COUNT)
        return 0.0 if is_within else period - now % period

    def wait(self, name: str) -> float:
        return self.failures.get(name, (0, 0.0))[1] - time.monotonic()

    def fail(self, name: str, backoff: Backoff) -> None:
        with self.lock:
            if len(self.failures) > MAX_LOCAL_KEYS:
                self.failures.clear()
            count = self.failures.get(name, (0, 0.0))[0] + 1
            self.failures[name] = (count, time.monotonic() + backoff.wait_after(count))

    def forget(self, name: str) -> None:
        self.failures.pop(name, None)


_local_limiter = _LocalLimiter()
