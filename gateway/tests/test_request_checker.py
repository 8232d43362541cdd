"""The check: limit, liveness and generation in one script; and what holds without Redis."""

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
STRANGER = CheckRequest(caller="ip:192.0.2.1", tier="anonymous")
SESSION = "taskflow:session:1"
SIGNED_IN = CheckRequest(caller="user:1", session_key=SESSION, scope="1")


@pytest.fixture(autouse=True)
def _empty_redis_with_an_open_gate():
    redis.client().flushdb()
    redis.client().set(LEASE, "open")


@pytest.fixture
def checkers(settings):
    """As many as asked for, like so many nodes."""
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


def ask(checker, *questions):
    async def all_in_one_turn():
        return await asyncio.gather(*(checker.ask(question) for question in questions))

    return run(all_in_one_turn())


def test_three_hundred_at_once_on_three_nodes_admit_the_quota_and_no_more(checkers):
    nodes = [checkers() for _ in range(3)]

    async def flood():
        return await asyncio.gather(*(nodes[number % 3].ask(STRANGER) for number in range(300)))

    verdicts = run(flood())

    assert sum(verdict.allowed for verdict in verdicts) == 10
    assert [verdict.remaining for verdict in verdicts if verdict.allowed] == sorted(range(10), reverse=True)


def test_the_burst_comes_on_top_of_the_quota(checkers):
    redis.client().set(SESSION, "alive:free")

    verdicts = ask(checkers(), *[SIGNED_IN] * 40)

    assert sum(verdict.allowed for verdict in verdicts) == 25


def test_one_who_exceeds_the_limit_is_blocked_for_a_minute_that_trying_does_not_lengthen(checkers):
    checker = checkers()
    verdicts = ask(checker, *[STRANGER] * 11)

    again = ask(checker, *[STRANGER] * 50)

    assert 59 < verdicts[-1].wait <= 60
    assert all(verdict.allowed is False and 58 < verdict.wait <= 60 for verdict in again)


def test_one_who_waits_as_told_is_admitted(checkers):
    checker = checkers(QUICK)
    wait = ask(checker, *[STRANGER] * 11)[-1].wait

    time.sleep(wait)

    assert 0 < wait <= 0.2
    assert ask(checker, STRANGER)[0].allowed is True


def test_callers_have_limits_of_their_own(checkers):
    checker = checkers()
    ask(checker, *[STRANGER] * 11)

    assert ask(checker, CheckRequest(caller="ip:192.0.2.2", tier="anonymous"))[0].allowed is True


def test_one_who_has_the_current_answer_pays_nothing_even_when_blocked(checkers):
    checker = checkers()
    redis.client().set(SESSION, "alive:free")
    current = ask(checker, SIGNED_IN)[0]
    known = CheckRequest(caller="user:1", session_key=SESSION, scope="1", known=current.generation)

    free = ask(checker, *[known] * 100)
    ask(checker, *[SIGNED_IN] * 30)

    assert all(verdict.allowed and verdict.remaining == current.remaining for verdict in free)
    assert ask(checker, SIGNED_IN)[0].allowed is False
    assert ask(checker, known)[0].allowed is True


def test_one_who_has_an_older_answer_pays(checkers):
    checker = checkers()
    redis.client().set(SESSION, "alive:free")
    old = ask(checker, SIGNED_IN)[0]
    bump_generations(["1"])

    now = ask(checker, CheckRequest(caller="user:1", session_key=SESSION, scope="1", known=old.generation))[0]

    assert (old.remaining, now.remaining) == (24, 23)


def test_a_session_that_redis_does_not_know_is_not_judged(checkers):
    verdict = ask(checkers(), SIGNED_IN)[0]

    assert (verdict.allowed, verdict.session_status, verdict.tier) == (None, "", "")


def test_a_revoked_session_is_not_judged_either_and_is_named(checkers):
    redis.client().set(SESSION, "revoked")

    verdict = ask(checkers(), SIGNED_IN)[0]

    assert (verdict.allowed, verdict.session_status, verdict.tier) == (None, "revoked", "")


def test_a_live_session_names_its_tier(checkers):
    redis.client().set(SESSION, "alive:premium")

    verdict = ask(checkers(), SIGNED_IN)[0]

    assert (verdict.allowed, verdict.tier, verdict.remaining) == (True, "premium", 59)


def test_a_lost_generation_comes_back_as_another_one(checkers):
    checker = checkers()
    redis.client().set(SESSION, "alive:free")
    first, same = ask(checker, SIGNED_IN, SIGNED_IN)

    redis.client().delete(generation_key("1"))
    after_loss = ask(checker, SIGNED_IN)[0]
    redis.client().delete(generation_key(GLOBAL_SCOPE))
    after_everybodys = ask(checker, SIGNED_IN)[0]

    assert first.generation == same.generation != ""
    assert len({first.generation, after_loss.generation, after_everybodys.generation}) == 3


def test_while_the_gate_is_closed_nothing_is_remembered_and_a_session_is_good_for_its_tier_only(checkers):
    redis.client().set(SESSION, "alive:premium")
    redis.client().delete(LEASE)

    verdict = ask(checkers(), SIGNED_IN)[0]

    assert (verdict.generation, verdict.session_status, verdict.allowed, verdict.remaining) == ("", "", True, 59)


def test_the_script_survives_a_server_that_has_forgotten_it(checkers):
    checker = checkers()
    ask(checker, STRANGER)

    redis.client().script_flush()

    assert ask(checker, STRANGER)[0].remaining == 8


def test_without_redis_a_node_admits_its_share(checkers, settings, tmp_path):
    settings.NODE_COUNT = 2
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": f"unix://{tmp_path}/nobody.sock"}}

    verdicts = ask(checkers(), *[STRANGER] * 20)

    assert sum(verdict.allowed for verdict in verdicts) == 5
    assert {verdict.generation for verdict in verdicts} == {""}


def test_a_silent_redis_keeps_one_turn_waiting_and_not_the_next(checkers, settings, tmp_path):
    path = tmp_path / "silent.sock"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": f"unix://{path}"}}
    checker = checkers()

    async def silent(reader, writer):
        await reader.read()
        writer.close()

    async def two_turns():
        server = await asyncio.start_unix_server(silent, path)
        began = time.monotonic()
        first = await checker.ask(STRANGER)
        between = time.monotonic()
        second = await checker.ask(STRANGER)
        ended = time.monotonic()
        server.close()
        return first, second, between - began, ended - between

    first, second, waited, waited_again = run(two_turns())

    assert (first.allowed, second.allowed) == (True, True)
    assert 0.2 < waited < 0.6
    assert waited_again < 0.05


def test_an_answer_that_lay_there_while_the_loop_was_busy_is_taken(checkers):
    checker = checkers()
    ask(checker, STRANGER)

    async def kept_from_running():
        asked = checker.ask(STRANGER)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.sleep(0.5)
        return await asked

    assert run(kept_from_running()).remaining == 8


def test_the_local_limiter_counts_the_unknown_as_free_and_those_it_knows_by_their_tier():
    limiter = LocalLimiter(RULES, share=1)
    known = CheckRequest(caller="user:2", session_key="s")
    limiter.learn([known], [CheckResult(session_status="alive:premium", allowed=True)])

    unknown = sum(limiter.evaluate(CheckRequest(caller="user:1", session_key="s")).allowed for _ in range(100))
    premium = sum(limiter.evaluate(known).allowed for _ in range(100))

    assert (unknown, premium) == (25, 60)


def test_the_local_limiter_says_when_to_come_back():
    limiter = LocalLimiter(QUICK, share=1)
    refused = [limiter.evaluate(STRANGER) for _ in range(11)][-1]

    time.sleep(refused.wait)

    assert refused.allowed is False
    assert limiter.evaluate(STRANGER).allowed is True


def test_a_question_that_cannot_be_judged_fails_and_hangs_neither_itself_nor_the_next(checkers):
    checker = checkers()

    with pytest.raises(KeyError):
        ask(checker, CheckRequest(caller="ip:192.0.2.2", tier="no such tier"))
    checker.circuit_open_until = 0.0
    after = ask(checker, STRANGER)

    assert [verdict.allowed for verdict in after] == [True]


def test_a_connection_broken_off_midway_is_one_that_is_away(checkers, monkeypatch):
    checker = checkers()

    async def broken(_arguments):
        raise RuntimeError("readuntil() called while another coroutine is already waiting for incoming data")

    monkeypatch.setattr(checker, "_run", broken)

    (verdict,) = ask(checker, STRANGER)

    assert verdict.allowed is True
    assert checker.circuit_open_until > 0
