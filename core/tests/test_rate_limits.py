"""Rate limits and their waiting times: in Redis for all nodes, and in each process while Redis is unavailable."""

from __future__ import annotations

import time

import pytest
import time_machine
from django.conf import settings as live
from django.core.cache import caches
from django.test import RequestFactory

from core import rate_limits, redis
from core.errors import RateLimited
from core.rate_limits import Backoff, Use, check_backoff, consume, limited, record_failure, refund, reset_failures
from core.security.hashing import sha256_hex
from core.testing.clock import NOW
from core.testing.concurrency import run_concurrently


@pytest.fixture(autouse=True)
def _nothing_counted(monkeypatch):
    redis.client().flushdb()
    monkeypatch.setattr(rate_limits, "_local_limiter", rate_limits._LocalLimiter())


@pytest.fixture
def alone(settings):
    """Redis is unavailable, and this is one of two nodes."""
    settings.NODE_COUNT = 2
    settings.CACHES = {**live.CACHES, "default": {**live.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    redis.client.cache_clear()
    yield
    caches.close_all()
    redis.client.cache_clear()


def uses(times, rate, key="x", group="door"):
    """Use the door so often; return the wait that each use was told, 0 for one that came in."""
    waits = []
    for _ in range(times):
        try:
            consume(RequestFactory().get("/"), Use(group, key, rate))
            waits.append(0)
        except RateLimited as error:
            waits.append(error.retry_after)
    return waits


def wait_of(*names):
    try:
        check_backoff(names)
    except RateLimited as error:
        return error.retry_after
    return 0


@pytest.mark.parametrize("rate", ["2/30s", "2/m", "2/5m", "2/h", "2/d"])
def test_consume_allows_its_rate_and_returns_the_wait(rate):
    max_wait = {"2/30s": 30, "2/m": 60, "2/5m": 300, "2/h": 3600, "2/d": 86_400}[rate]

    waits = uses(3, rate)

    assert waits[:2] == [0, 0]
    assert 1 <= waits[2] <= max_wait
    assert uses(1, rate, key="y") == uses(1, rate, group="another") == [0]


def test_limit_holds_until_its_window_ends():
    name = f"taskflow:uses:{sha256_hex('door x 2/m')}"
    assert uses(3, "2/m")[:2] == [0, 0]
    redis.client().pexpire(name, 40)

    assert uses(1, "2/m") == [1]
    time.sleep(0.05)
    assert uses(3, "2/m") == [0, 0, 60]


def test_window_follows_the_clock_of_redis():
    """Two nodes whose clocks differ by an hour share one window."""
    with time_machine.travel(NOW, tick=False) as clock:
        assert uses(1, "2/m") == [0]
        clock.shift(3600)
        assert uses(1, "2/m") == [0]
        clock.shift(-7200)
        assert uses(1, "2/m")[0] > 0


def test_several_limits_are_spent_together_or_not_at_all():
    request = RequestFactory().get("/")
    narrow, wide = Use("narrow", "x", "1/h"), Use("wide", "x", "3/h")
    consume(request, wide, narrow)
    for _ in range(5):
        with pytest.raises(RateLimited):
            consume(request, wide, narrow)

    assert uses(3, "3/h", group="wide")[:2] == [0, 0]


@pytest.mark.parametrize("redis_is_away", [False, True])
def test_refused_block_spends_nothing(redis_is_away, request):
    if redis_is_away:
        request.getfixturevalue("alone")
    for _ in range(9):
        with pytest.raises(ValueError, match="refused"), limited(RequestFactory().get("/"), Use("door", "x", "4/h")):
            raise ValueError("refused")
    assert uses(2, "4/h") == [0, 0]
    other = RequestFactory().get("/")
    refund(other)  # has spent nothing
    refund(other, Use("door", "x", "4/h"))
    assert uses(3, "4/h").count(0) == (0 if redis_is_away else 2)


@pytest.mark.django_db(transaction=True)
def test_concurrent_uses_never_exceed_the_limit():
    outcomes = run_concurrently([lambda: uses(1, "5/h")[0] == 0] * 12)

    assert outcomes.count(True) == 5


@pytest.fixture
def monotonic(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(rate_limits.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(("rate", "max_wait"), [("4/s", 1), ("4/m", 60), ("4/5m", 300), ("5/h", 3600), ("4/d", 86_400)])
def test_node_keeps_its_share_without_redis(rate, max_wait, monotonic):
    waits = uses(3, rate)
    monotonic[0] += waits[2]

    assert waits == [0, 0, max_wait]
    assert uses(3, rate)[:2] == [0, 0]
    assert uses(1, rate, key="y") == uses(1, rate, group="another") == [0]


@pytest.mark.usefixtures("alone")
def test_node_allows_at_least_one_use_without_redis(monotonic):
    assert uses(2, "1/h") == [0, 3600]


@pytest.mark.parametrize(
    ("count", "wait"),
    [(0, 0), (1, 0), (2, 0), (3, 1), (4, 2), (5, 4), (12, 512), (13, 900), (14, 900), (40, 900), (10_000, 900)],
)
def test_backoff_doubles_with_each_failure(count, wait):
    assert Backoff(free_attempts=2).wait_after(count) == wait


def test_backoff_has_its_own_maximum():
    assert [Backoff(free_attempts=0, max_wait=5_000_000).wait_after(count) for count in (20, 21, 22)] == [
        1 << 19,
        1 << 20,
        1 << 20,
    ]


def test_failures_expire_after_the_window():
    for _ in range(2):
        record_failure("a", Backoff(free_attempts=5, window=77))

    assert redis.client().get("taskflow:failures:a") == "2"
    assert redis.client().ttl("taskflow:failures:a") in {76, 77}
    assert wait_of("a") == 0


def test_several_names_wait_for_the_longest():
    for name, times in (("a", 1), ("b", 4)):
        for _ in range(times):
            record_failure(name, Backoff(free_attempts=0))

    assert (wait_of("a", "b"), wait_of("b", "a"), wait_of("a"), wait_of("c"), wait_of()) == (8, 8, 1, 0, 0)


def test_reset_failures_start_anew():
    for _ in range(3):
        record_failure("a", Backoff(free_attempts=2))

    reset_failures("a")

    assert wait_of("a") == 0
    record_failure("a", Backoff(free_attempts=1))
    assert wait_of("a") == 0


@pytest.mark.usefixtures("alone")
def test_backoff_uses_the_processs_share_without_redis():
    waits = []
    for _ in range(5):
        record_failure("a", Backoff(free_attempts=4))
        waits.append(wait_of("a", "b"))

    assert waits == [0, 0, 1, 2, 4]
    assert (wait_of("b"), wait_of("b", "a"), wait_of()) == (0, 4, 0)
    reset_failures("a")
    record_failure("a", Backoff(free_attempts=4))
    assert wait_of("a") == 0


@pytest.mark.usefixtures("alone")
def test_first_failure_is_free_without_redis():
    record_failure("a", Backoff(free_attempts=1))

    assert wait_of("a") == 0


@pytest.mark.usefixtures("alone")
def test_reset_clears_local_failures(settings):
    for _ in range(4):
        record_failure("a", Backoff(free_attempts=1))
    redis.client.cache_clear()
    settings.CACHES = live.CACHES

    reset_failures("a")

    assert "a" not in rate_limits._local_limiter.failures


@pytest.mark.usefixtures("alone")
def test_local_limiter_is_bounded(monkeypatch):
    monkeypatch.setattr(rate_limits, "MAX_LOCAL_KEYS", 3)

    for number in range(20):
        uses(1, "10/h", key=str(number))
        record_failure(str(number), Backoff(free_attempts=0))

    assert (len(rate_limits._local_limiter.uses), len(rate_limits._local_limiter.failures)) == (4, 4)


def test_unavailable_redis_is_asked_every_two_seconds(alone, monkeypatch, monotonic):
    requested, limiter = [], rate_limits._local_limiter
    open_circuit = limiter.open_circuit
    monkeypatch.setattr(limiter, "open_circuit", lambda: (requested.append(monotonic[0]), open_circuit()))

    for _ in range(5):
        uses(2, "100/m")
        monotonic[0] += 1

    assert requested == [1000.0, 1002.0, 1004.0]


def test_forms_of_an_address_are_limited_apart():
    def send(address, group="login"):
        request = RequestFactory().post("/")
        rate_limits.limit_address(request, group=group, address=address, rate="3/h")

    for _ in range(3):
        send("192.0.2.1")
    send("192.0.2.2")
    send("192.0.2.1", group="reset")
    with pytest.raises(RateLimited) as error:
        send("192.0.2.1")

    assert 1 <= error.value.retry_after <= 3600


def test_forms_of_an_address_pass_without_redis(alone):
    for _ in range(5):
        rate_limits.limit_address(RequestFactory().post("/"), group="login", address="192.0.2.1", rate="1/h")
