"""One rebuild at a time, in one process and over several; whoever cannot wait builds for itself."""

from __future__ import annotations

import asyncio
import time

import pytest
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core import redis
from core.testing.asgi import run
from gateway.local_cache import CachedResponse
from gateway.single_flight import SingleFlight, cache_key

ANSWER = CachedResponse("g1", b'"1"', ((b"content-type", b"application/json"),), b'{"results":[]}')


class Builder:
    def __init__(self, *answers, fails=False):
        self.answers = list(answers)
        self.fails = fails
        self.count = 0

    async def __call__(self):
        self.count += 1
        await asyncio.sleep(0.05)
        if self.fails:
            raise RuntimeError("the database is away")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture(autouse=True)
def _empty_redis():
    redis.client().flushdb()


def get(nodes, builder, *, times, url="/api/v1/tasks/", generation="g1", location=None):
    """Ask for the same thing so many times at once, spread over the nodes."""

    async def ask_all():
        client = Redis.from_url(location or settings.CACHES["default"]["LOCATION"])
        try:
            return await asyncio.gather(
                *(
                    nodes[number % len(nodes)].get(client, "alice", url, generation, seconds=60, build=builder)
                    for number in range(times)
                ),
                return_exceptions=True,
            )
        finally:
            await client.aclose()

    return run(ask_all())


@pytest.mark.parametrize("nodes", [1, 2], ids=["one node", "two nodes"])
def test_a_hundred_misses_at_once_are_one_build(nodes):
    builder = Builder(ANSWER)

    answers = get([SingleFlight() for _ in range(nodes)], builder, times=100)

    assert builder.count == 1
    assert answers == [ANSWER] * 100


class OvertakenAt:
    """Redis as a node sees it whose command of this name is overtaken: another node builds just before it."""

    def __init__(self, client, command, others):
        self.client, self.command, self.others = client, command, others

    def __getattr__(self, name):
        command = getattr(self.client, name)
        return self._overtaken(command) if name == self.command and self.others else command

    def _overtaken(self, command):
        async def first_the_other(*args, **kwargs):
            if self.others:
                await self.others.pop()()
            return await command(*args, **kwargs)

        return first_the_other


@pytest.mark.parametrize("command", ["set", "exists"])
def test_a_node_that_is_overtaken_between_its_look_and_its_lock_takes_what_was_built(command):
    builder = Builder(ANSWER)

    async def ask():
        client = Redis.from_url(settings.CACHES["default"]["LOCATION"])
        key = cache_key("alice", "g1", "/api/v1/tasks/")

        async def build_elsewhere():
            await client.delete(f"{key}:lock")
            await _ask(client)

        async def _ask(seen):
            return await SingleFlight().get(seen, "alice", "/api/v1/tasks/", "g1", seconds=60, build=builder)

        try:
            if command == "exists":  # the other holds the lock when this one comes
                await client.set(f"{key}:lock", 1)
            return await _ask(OvertakenAt(client, command, [build_elsewhere])), await client.exists(f"{key}:lock")
        finally:
            await client.aclose()

    answer, is_locked = run(ask())

    assert (answer, builder.count, is_locked) == (ANSWER, 1, 0)


def test_another_generation_is_another_answer():
    builder = Builder(ANSWER)
    rebuilds = SingleFlight()

    get([rebuilds], builder, times=1)
    get([rebuilds], builder, times=1, generation="g2")

    assert builder.count == 2


def test_a_node_that_answers_others_under_another_rule_takes_nothing_of_what_was_kept(settings):
    builder = Builder(ANSWER)

    for rule in ("nobody", "admins", "nobody"):
        settings.CACHE_KEY_VARIANT = rule
        get([SingleFlight()], builder, times=1)

    assert builder.count == 2


def test_what_is_not_to_be_kept_is_built_by_each_node_for_itself():
    builder = Builder(None)

    answers = get([SingleFlight(), SingleFlight()], builder, times=2)

    assert answers == [None, None]
    assert builder.count == 2


def test_a_build_that_fails_holds_nobody_up():
    failing = Builder(fails=True)
    rebuilds = SingleFlight()

    failed, waiting = get([rebuilds], failing, times=2)
    began = time.monotonic()
    answers = get([SingleFlight()], Builder(ANSWER), times=1)

    assert isinstance(failed, RuntimeError)
    assert waiting is None
    assert answers == [ANSWER]
    assert time.monotonic() - began < 0.5
    assert rebuilds.running == {}


def test_one_who_has_waited_long_enough_builds_for_itself(monkeypatch):
    monkeypatch.setattr("gateway.single_flight.WAIT_TIMEOUT", 0.1)
    slow, quick = Builder(ANSWER), Builder(ANSWER)
    get([SingleFlight()], slow, times=1)
    (key,) = redis.client().keys("taskflow:response:*")
    redis.client().delete(key)
    redis.client().set(f"{key}:lock", 1, px=3000)

    answers = get([SingleFlight()], quick, times=1)

    assert answers == [ANSWER]
    assert quick.count == 1


def test_without_redis_a_process_builds_once_and_answers_all(tmp_path):
    builder = Builder(ANSWER)

    answers = get([SingleFlight()], builder, times=50, location=f"unix://{tmp_path}/nobody.sock")

    assert answers == [ANSWER] * 50
    assert builder.count == 1
    assert not any(isinstance(answer, RedisError) for answer in answers)
