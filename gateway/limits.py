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
from core.errors import TooMany

RATE = re.compile(r"(\d+)/(\d*)([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
MOST_NAMES = 50_000


@dataclass(frozen=True, slots=True)
class Patience:
    """How failures are slowed down: `free` of them make nobody wait, then each doubles the wait, up to `longest` seconds.

    They are forgotten when for `remembered` seconds there was none. That has to be longer than any wait.
    """

    free: int
    remembered: int = 3600
    longest: int = 900

    def wait_after(self, count: int) -> int:
        """Return 0 for the free ones, then 1, 2, 4 ... seconds."""
        return 0 if count <= self.free else min(self.longest, 1 << min(count - self.free - 1, 20))

    def share(self) -> Patience:
        """Of one process, while it counts alone."""
        return replace(self, free=max(1, self.free // settings.NODES))


def spend(request: HttpRequest, *, group: str, key: str, rate: str) -> None:
    """Count one use of `group` by `key`; raises TooMany beyond `rate` (`10/5m`)."""
    usage = get_usage(request, group=group, key=lambda _group, _request: key, rate=rate, increment=True)
    wait = _local.spend(f"{group}:{key}", rate) if usage is None else _wait_of(usage)
    if wait:
        raise _refusal(wait)


def _wait_of(usage: dict[str, Any]) -> int:
    """In the last second of a window django-ratelimit says that there is no time left; the door is shut then too."""
    return max(1, usage["time_left"]) if usage["should_limit"] else 0


def require_patience(names: Iterable[str]) -> None:
    """Raise TooMany while one of these has to wait after failures."""
    wanted = list(names)
    try:
        with redis.client().pipeline(transaction=False) as pipe:
            for name in wanted:
                pipe.pttl(_wait_key(name))
            wait = max(pipe.execute(), default=0) / 1000
    except RedisError:
        wait = max(map(_local.wait, wanted), default=0.0)
    if wait > 0:
        raise _refusal(wait)


def note_failure(name: str, patience: Patience) -> None:
    """Count a failure; beyond the free ones, whoever has this name waits."""
    try:
        with redis.client().pipeline() as pipe:
            pipe.incr(_count_key(name))
            pipe.expire(_count_key(name), patience.remembered)
            count = pipe.execute()[0]
        if wait := patience.wait_after(count):
            redis.client().set(_wait_key(name), 1, ex=wait)
    except RedisError:
        _local.fail(name, patience.share())


def forget_failures(name: str) -> None:
    _local.forget(name)
    try:
        redis.client().delete(_count_key(name), _wait_key(name))
    except RedisError:
        return  # they are forgotten after a while


def _refusal(wait: float) -> TooMany:
    return TooMany("Too many attempts. Wait a little and try again.", retry_after=max(1, -int(-wait // 1)))


def _count_key(name: str) -> str:
    return f"taskflow:failures:{name}"


def _wait_key(name: str) -> str:
    return f"taskflow:patience:{name}"


@dataclass
class _Local:
    """The same arithmetic in this process alone."""

    lock: Lock = field(default_factory=Lock)
    uses: dict[tuple[str, int], int] = field(default_factory=dict)
    failures: dict[str, tuple[int, float]] = field(default_factory=dict)

    def spend(self, name: str, rate: str) -> float:
        """Return how long to wait: 0 within this process's share of the rate."""
        quota, times, unit = RATE.fullmatch(rate).groups()  # type: ignore[union-attr]  # django-ratelimit has read it
        period, now = int(times or 1) * SECONDS[unit], time.time()
        window = (name, int(now // period))
        with self.lock:
            if len(self.uses) > MOST_NAMES:
                self.uses.clear()
            self.uses[window] = self.uses.get(window, 0) + 1
            is_within = self.uses[window] <= max(1, int(quota) // settings.NODES)
        return 0.0 if is_within else period - now % period

    def wait(self, name: str) -> float:
        return self.failures.get(name, (0, 0.0))[1] - time.monotonic()

    def fail(self, name: str, patience: Patience) -> None:
        with self.lock:
            if len(self.failures) > MOST_NAMES:
                self.failures.clear()
            count = self.failures.get(name, (0, 0.0))[0] + 1
            self.failures[name] = (count, time.monotonic() + patience.wait_after(count))

    def forget(self, name: str) -> None:
        self.failures.pop(name, None)


_local = _Local()
