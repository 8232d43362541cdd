"""Rate limits of single actions: uses within a window, and exponential backoff after failures.

Both are counted in Redis for all nodes. While Redis is unavailable each process counts by itself, at its share, so an action
is never unlimited and never blocked for all.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext
from django_ratelimit.core import get_usage
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from core import redis
from core.errors import RateLimited
from core.security.hashing import sha256_hex

RATE_PATTERN = re.compile(r"(\d+)/(\d*)([smhd])")
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
MAX_LOCAL_KEYS = 50_000
CIRCUIT_OPEN_SECONDS = 2.0
USES_KEY, USES_ATTRIBUTE = "taskflow:uses:{}", "_rate_limit_uses"
# Spends all or none. The answer is the wait in milliseconds.
CONSUME_SCRIPT = """
local wait = 0
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[2 * i - 1]) then
    wait = math.max(wait, 1, redis.call('PTTL', key))
  end
end
if wait == 0 then
  for i, key in ipairs(KEYS) do
    if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[2 * i]) end
  end
end
return wait
"""
REFUND_SCRIPT = """
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') > 0 then redis.call('DECR', key) end
end
"""
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


class Use(NamedTuple):
    """One use of `group` by `key`, of which `rate`, like `10/5m`, are allowed."""

    group: str
    key: str
    rate: str


@lru_cache(maxsize=64)
def parse_rate(rate: str) -> tuple[int, int]:
    """Return the number of uses and the window in seconds."""
    quota, times, unit = RATE_PATTERN.fullmatch(rate).groups()  # type: ignore[union-attr]  # of the settings
    return int(quota), int(times or 1) * UNIT_SECONDS[unit]


def consume(request: HttpRequest, *uses: Use) -> None:
    """Count these uses, or none of them: raises RateLimited where one is beyond its rate.

    Redis counts, in windows that begin with the first use, by its own clock. `refund` undoes it.
    """
    wait = None
    if time.monotonic() >= _local_limiter.redis_retry_at:
        limits = [
            number for quota, seconds in (parse_rate(use.rate) for use in uses) for number in (quota, seconds * 1000)
        ]
        try:
            # Hashed: keys may be email addresses, which Redis must not hold.
            keys = [USES_KEY.format(sha256_hex(" ".join(use))) for use in uses]
            wait = int(redis.client().eval(CONSUME_SCRIPT, len(uses), *keys, *limits)) / 1000
        except RedisError:
            _local_limiter.open_circuit()
    if wait is None:
        wait = _local_limiter.consume(uses)
    if wait:
        raise _rate_limited(wait)
    request.__dict__.setdefault(USES_ATTRIBUTE, []).extend(uses)


def limit_address(request: HttpRequest, *, group: str, address: str, rate: str) -> None:
    """Count a form of `group` that an address sends, whatever comes of it (django-ratelimit). Raises RateLimited.

    It is the outer limit against floods. While Redis is unavailable nothing is counted; `consume` still is.
    """
    if time.monotonic() < _local_limiter.redis_retry_at:
        return
    usage = get_usage(request, group=group, key=lambda _group, _request: address, rate=rate, increment=True)
    if usage is None:
        _local_limiter.open_circuit()
    elif usage["should_limit"]:
        raise _rate_limited(max(1, usage["time_left"]))  # in the last second of a window it is 0


def refund(request: HttpRequest, *uses: Use) -> None:
    """Give uses of this request back, without arguments all that it has spent: it was refused."""
    spent: list[Use] = request.__dict__.get(USES_ATTRIBUTE, [])
    returned = [use for use in uses or tuple(spent) if use in spent]
    for use in returned:
        spent.remove(use)
        _local_limiter.refund(use)
    if returned:
        with suppress(RedisError), _redis_client() as client:  # the window ends by itself
            keys = [USES_KEY.format(sha256_hex(" ".join(use))) for use in returned]
            client.eval(REFUND_SCRIPT, len(keys), *keys)


@contextmanager
def limited(request: HttpRequest, *uses: Use) -> Iterator[None]:
    """Count the uses for a block that succeeds. What is refused, or fails, spends none. Raises RateLimited.

    They are counted before, so that concurrent requests cannot exceed the limit.
    """
    consume(request, *uses)
    try:
        yield
    except BaseException:
        refund(request, *uses)
        raise


def check_backoff(names: Iterable[str]) -> None:
    """Raise RateLimited while one of these names has to wait after failures."""
    names, wait = list(names), None
    if time.monotonic() >= _local_limiter.redis_retry_at:
        try:
            with redis.client().pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.pttl(BACKOFF_KEY.format(name))
                # PTTL is -2 without a key, so no backoff gives no wait.
                wait = max(pipe.execute(), default=0) / 1000
        except RedisError:
            _local_limiter.open_circuit()
    if wait is None:
        wait = max(map(_local_limiter.wait, names), default=0.0)
    if wait > 0:
        raise _rate_limited(wait)


def record_failure(name: str, backoff: Backoff) -> None:
    """Count a failure, and start the wait once no free attempts are left."""
    try:
        with _redis_client() as client:
            with client.pipeline() as pipe:
                # In one transaction (MULTI), so that no counter remains without an expiry.
                pipe.incr(COUNT_KEY.format(name))
                pipe.expire(COUNT_KEY.format(name), backoff.window)
                count = pipe.execute()[0]
            if wait := backoff.wait_after(count):
                client.set(BACKOFF_KEY.format(name), 1, ex=wait)
    except RedisError:
        _local_limiter.record_failure(name, backoff.share())


def reset_failures(name: str) -> None:
    # Both: failures may have been counted here while Redis was away.
    _local_limiter.failures.pop(name, None)
    if time.monotonic() >= _local_limiter.redis_retry_at:
        try:
            redis.client().delete(COUNT_KEY.format(name), BACKOFF_KEY.format(name))
        except RedisError:  # they expire by themselves
            _local_limiter.open_circuit()


@contextmanager
def _redis_client() -> Iterator[Redis]:
    """Yield the client; raises RedisError at once after a failure, so that one call of a request waits for it only.

    All counts of a process are local then, so what it records it also finds.
    """
    if time.monotonic() < _local_limiter.redis_retry_at:
        raise RedisConnectionError("Redis failed a moment ago.")
    try:
        yield redis.client()
    except RedisError:
        _local_limiter.open_circuit()
        raise


def _rate_limited(wait: float) -> RateLimited:
    return RateLimited(gettext("Too many attempts. Wait a moment and try again."), retry_after=max(1, -int(-wait // 1)))


@dataclass
class _LocalLimiter:
    """The same limits in this process alone."""

    lock: Lock = field(default_factory=Lock)
    # How often, and when the window ends, on the monotonic clock.
    uses: dict[Use, tuple[int, float]] = field(default_factory=dict)
    failures: dict[str, tuple[int, float]] = field(default_factory=dict)
    # On the monotonic clock: when Redis is asked again after a failure.
    redis_retry_at: float = 0.0

    def open_circuit(self) -> None:
        """Ask Redis again later: one call of a request waits for its timeout."""
        redis.circuit.record_failure()
        now = time.monotonic()
        if now >= self.redis_retry_at:
            self.redis_retry_at = now + CIRCUIT_OPEN_SECONDS

    def consume(self, uses: Sequence[Use]) -> float:
        """Return the wait in seconds: 0 within this process's share of all rates, which are spent then."""
        now = time.monotonic()
        with self.lock:
            if len(self.uses) > MAX_LOCAL_KEYS:
                # Forgetting all is simple, and happens only while Redis is away and 50,000 keys were used.
                self.uses.clear()
            counts = {}
            for use in uses:
                quota, period = parse_rate(use.rate)
                count, ends_at = self.uses.get(use, (0, 0.0))
                if now >= ends_at:
                    count, ends_at = 0, now + period
                if count >= max(1, quota // settings.NODE_COUNT):
                    return ends_at - now
                counts[use] = count + 1, ends_at
            self.uses.update(counts)
        return 0.0

    def refund(self, use: Use) -> None:
        with self.lock:
            if use in self.uses:
                count, ends_at = self.uses[use]
                self.uses[use] = max(0, count - 1), ends_at

    def wait(self, name: str) -> float:
        return self.failures.get(name, (0, 0.0))[1] - time.monotonic()

    def record_failure(self, name: str, backoff: Backoff) -> None:
        with self.lock:
            if len(self.failures) > MAX_LOCAL_KEYS:
                self.failures.clear()
            count = self.failures.get(name, (0, 0.0))[0] + 1
            self.failures[name] = (count, time.monotonic() + backoff.wait_after(count))


_local_limiter = _LocalLimiter()
