"""The request check: rate limit, session status and generation in one script; and limits without Redis."""

from __future__ import annotations

import asyncio
import time

import pytest

from core import redis
from core.cache import GLOBAL_SCOPE, LEASE, bump_generations, generation_key
from core.testing.asgi import run
from gateway.request_checker import CheckRequest, CheckResult, LocalLimiter, RequestChecker

RULES = {
    "window": 60_000,
    "block": 60_000,
    "tiers": {"anonymous": (10, 0), "free": (20, 5), "premium": (50, 10)},
}
QUICK = {"window": 1_000, "block": 200, "tiers": {"anonymous": (10, 0)}}
ANONYMOUS = CheckRequest(caller="ip:192.0.2.1", tier="anonymous")
SESSION = "taskflow:session:1"
SIGNED_IN = CheckRequest(caller="user:1", session_key=SESSION, scope="1")


@pytest.fixture(autouse=True)
def _empty_redis_with_a_lease():
    redis.client().flushdb()
    redis.client().set(LEASE, "open")


@pytest.fixture
def checkers(settings):
    """Return a factory of checkers, one for each node."""
    made = []

    def make(rules=RULES):
        settings.RATE_LIMITS = rules
        made.append(RequestChecker())
        return made[-1]

    yield make
    for checker in made:
        run(_close(checker))


async def _close(checker):
    await checker.redis.aclose()


def check(checker, *requests):
    async def check_in_one_turn():
        return await asyncio.gather(*(checker.check(request) for request in requests))

    return run(check_in_one_turn())


def test_quota_is_exact_over_three_nodes(checkers):
    nodes = [checkers() for _ in range(3)]

    async def flood():
        return await asyncio.gather(*(nodes[number % 3].check(ANONYMOUS) for number in range(300)))

    results = run(flood())

    assert sum(result.allowed for result in results) == 10
    assert [result.remaining for result in results if result.allowed] == sorted(range(10), reverse=True)


def test_burst_is_added_to_the_quota(checkers):
    redis.client().set(SESSION, "active:free")

    results = check(checkers(), *[SIGNED_IN] * 40)

    assert sum(result.allowed for result in results) == 25


def test_block_is_not_extended_by_retries(checkers):
    checker = checkers()
    results = check(checker, *[ANONYMOUS] * 11)

    again = check(checker, *[ANONYMOUS] * 50)

    assert 59 < results[-1].wait <= 60
    assert all(result.allowed is False and 58 < result.wait <= 60 for result in again)


def test_caller_is_admitted_after_the_wait(checkers):
    checker = checkers(QUICK)
    wait = check(checker, *[ANONYMOUS] * 11)[-1].wait

    time.sleep(wait)

    assert 0 < wait <= 0.2
    assert check(checker, ANONYMOUS)[0].allowed is True


def test_callers_have_separate_limits(checkers):
    checker = checkers()
    check(checker, *[ANONYMOUS] * 11)

    assert check(checker, CheckRequest(caller="ip:192.0.2.2", tier="anonymous"))[0].allowed is True


def test_current_response_is_free_even_when_blocked(checkers):
    checker = checkers()
    redis.client().set(SESSION, "active:free")
    current = check(checker, SIGNED_IN)[0]
    request = CheckRequest(caller="user:1", session_key=SESSION, scope="1", cached_generation=current.generation)

    free = check(checker, *[request] * 100)
    check(checker, *[SIGNED_IN] * 30)

    assert all(result.allowed and result.remaining == current.remaining for result in free)
    assert check(checker, SIGNED_IN)[0].allowed is False
    assert check(checker, request)[0].allowed is True


def test_outdated_response_costs_a_request(checkers):
    checker = checkers()
    redis.client().set(SESSION, "active:free")
    old = check(checker, SIGNED_IN)[0]
    bump_generations(["1"])

    now = check(
        checker, CheckRequest(caller="user:1", session_key=SESSION, scope="1", cached_generation=old.generation)
    )[0]

    assert (old.remaining, now.remaining) == (24, 23)


def test_unknown_session_is_not_limited(checkers):
    result = check(checkers(), SIGNED_IN)[0]

    assert (result.allowed, result.session_status, result.tier) == (None, "", "")


def test_revoked_session_is_not_limited_and_named(checkers):
    redis.client().set(SESSION, "revoked")

    result = check(checkers(), SIGNED_IN)[0]

    assert (result.allowed, result.session_status, result.tier) == (None, "revoked", "")


def test_active_session_names_its_tier(checkers):
    redis.client().set(SESSION, "active:premium")

    result = check(checkers(), SIGNED_IN)[0]

    assert (result.allowed, result.tier, result.remaining) == (True, "premium", 59)


def test_lost_generation_is_replaced_by_a_new_one(checkers):
    checker = checkers()
    redis.client().set(SESSION, "active:free")
    first, same = check(checker, SIGNED_IN, SIGNED_IN)

    redis.client().delete(generation_key("1"))
    after_loss = check(checker, SIGNED_IN)[0]
    redis.client().delete(generation_key(GLOBAL_SCOPE))
    after_global_loss = check(checker, SIGNED_IN)[0]

    assert first.generation == same.generation != ""
    assert len({first.generation, after_loss.generation, after_global_loss.generation}) == 3


def test_without_a_lease_only_the_tier_is_trusted(checkers):
    redis.client().set(SESSION, "active:premium")
    redis.client().delete(LEASE)

    result = check(checkers(), SIGNED_IN)[0]

    assert (result.generation, result.session_status, result.allowed, result.remaining) == ("", "", True, 59)


def test_script_is_sent_again_after_a_flush(checkers):
    checker = checkers()
    check(checker, ANONYMOUS)

    redis.client().script_flush()

    assert check(checker, ANONYMOUS)[0].remaining == 8


def test_node_admits_its_share_without_redis(checkers, settings, tmp_path):
    settings.NODE_COUNT = 2
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": f"unix://{tmp_path}/missing.sock"}}

    results = check(checkers(), *[ANONYMOUS] * 20)

    assert sum(result.allowed for result in results) == 5
    assert {result.generation for result in results} == {""}


def test_silent_redis_delays_one_turn_only(checkers, settings, tmp_path):
    path = tmp_path / "silent.sock"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": f"unix://{path}"}}
    checker = checkers()

    async def silent(reader, writer):
        await reader.read()
        writer.close()

    async def two_turns():
        server = await asyncio.start_unix_server(silent, path)
        began = time.monotonic()
        first = await checker.check(ANONYMOUS)
        between = time.monotonic()
        second = await checker.check(ANONYMOUS)
        ended = time.monotonic()
        server.close()
        return first, second, between - began, ended - between

    first, second, waited, waited_again = run(two_turns())

    assert (first.allowed, second.allowed) == (True, True)
    assert 0.2 < waited < 0.6
    assert waited_again < 0.05


def test_busy_loop_is_no_redis_timeout(checkers):
    checker = checkers()
    check(checker, ANONYMOUS)

    async def block_the_loop():
        future = checker.check(ANONYMOUS)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.sleep(0.5)
        return await future

    assert run(block_the_loop()).remaining == 8


def test_local_limiter_uses_the_last_known_tier():
    limiter = LocalLimiter(RULES, share=1)
    request = CheckRequest(caller="user:2", session_key="s")
    limiter.remember_tiers([request], [CheckResult(session_status="active:premium", allowed=True)])

    unknown = sum(limiter.check(CheckRequest(caller="user:1", session_key="s")).allowed for _ in range(100))
    premium = sum(limiter.check(request).allowed for _ in range(100))

    assert (unknown, premium) == (25, 60)


def test_local_limiter_returns_the_wait():
    limiter = LocalLimiter(QUICK, share=1)
    rejected = [limiter.check(ANONYMOUS) for _ in range(11)][-1]

    time.sleep(rejected.wait)

    assert rejected.allowed is False
    assert limiter.check(ANONYMOUS).allowed is True


def test_failing_check_hangs_no_request(checkers):
    checker = checkers()

    with pytest.raises(KeyError):
        check(checker, CheckRequest(caller="ip:192.0.2.2", tier="no such tier"))
    checker.circuit_open_until = 0.0
    after = check(checker, ANONYMOUS)

    assert [result.allowed for result in after] == [True]


def test_broken_connection_counts_as_redis_down(checkers, monkeypatch):
    checker = checkers()

    async def broken(_arguments):
        raise RuntimeError("readuntil() called while another coroutine is already waiting for incoming data")

    monkeypatch.setattr(checker, "_run_script", broken)

    (result,) = check(checker, ANONYMOUS)

    assert result.allowed is True
    assert checker.circuit_open_until > 0
