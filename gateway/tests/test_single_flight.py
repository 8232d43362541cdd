"""Single flight: one rebuild at a time, in one process and over several."""

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

RESPONSE = CachedResponse("g1", b'"1"', ((b"content-type", b"application/json"),), b'{"results":[]}')


class Builder:
    def __init__(self, *responses, fails=False):
        self.responses = list(responses)
        self.fails = fails
        self.count = 0

    async def __call__(self):
        self.count += 1
        await asyncio.sleep(0.05)
        if self.fails:
            raise RuntimeError("the database is away")
        return self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]


@pytest.fixture(autouse=True)
def _empty_redis():
    redis.client().flushdb()


def get(nodes, builder, *, times, url="/api/v1/tasks/", generation="g1", location=None):
    """Request the same URL so many times at once, spread over the nodes."""

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
def test_concurrent_misses_are_one_build(nodes):
    builder = Builder(RESPONSE)

    responses = get([SingleFlight() for _ in range(nodes)], builder, times=100)

    assert builder.count == 1
    assert responses == [RESPONSE] * 100


class OvertakenAt:
    """A Redis client before whose command of this name another node builds the response."""

    def __init__(self, client, command, others):
        self.client, self.command, self.others = client, command, others

    def __getattr__(self, name):
        command = getattr(self.client, name)
        return self._overtaken(command) if name == self.command and self.others else command

    def _overtaken(self, command):
        async def overtaken_command(*args, **kwargs):
            if self.others:
                await self.others.pop()()
            return await command(*args, **kwargs)

        return overtaken_command


@pytest.mark.parametrize("command", ["set", "exists"])
def test_response_stored_before_the_lock_is_taken(command):
    builder = Builder(RESPONSE)

    async def ask():
        client = Redis.from_url(settings.CACHES["default"]["LOCATION"])
        key = cache_key("alice", "g1", "/api/v1/tasks/")

        async def build_elsewhere():
            await client.delete(f"{key}:lock")
            await _ask(client)

        async def _ask(redis_client):
            return await SingleFlight().get(redis_client, "alice", "/api/v1/tasks/", "g1", seconds=60, build=builder)

        try:
            if command == "exists":  # the other holds the lock when this one comes
                await client.set(f"{key}:lock", 1)
            return await _ask(OvertakenAt(client, command, [build_elsewhere])), await client.exists(f"{key}:lock")
        finally:
            await client.aclose()

    response, is_locked = run(ask())

    assert (response, builder.count, is_locked) == (RESPONSE, 1, 0)


def test_response_of_another_generation_is_built():
    builder = Builder(RESPONSE)
    single_flight = SingleFlight()

    get([single_flight], builder, times=1)
    get([single_flight], builder, times=1, generation="g2")

    assert builder.count == 2


def test_nodes_with_another_cache_variant_share_nothing(settings):
    builder = Builder(RESPONSE)

    for variant in ("nobody", "admins", "nobody"):
        settings.CACHE_KEY_VARIANT = variant
        get([SingleFlight()], builder, times=1)

    assert builder.count == 2


def test_uncacheable_response_is_built_by_each_node():
    builder = Builder(None)

    responses = get([SingleFlight(), SingleFlight()], builder, times=2)

    assert responses == [None, None]
    assert builder.count == 2


def test_failed_build_releases_the_lock():
    failing = Builder(fails=True)
    single_flight = SingleFlight()

    failed, waiting = get([single_flight], failing, times=2)
    started_at = time.monotonic()
    responses = get([SingleFlight()], Builder(RESPONSE), times=1)

    assert isinstance(failed, RuntimeError)
    assert waiting is None
    assert responses == [RESPONSE]
    assert time.monotonic() - started_at < 0.5
    assert single_flight.running == {}


def test_request_builds_for_itself_after_the_wait_timeout(monkeypatch):
    monkeypatch.setattr("gateway.single_flight.WAIT_TIMEOUT", 0.1)
    slow, quick = Builder(RESPONSE), Builder(RESPONSE)
    get([SingleFlight()], slow, times=1)
    (key,) = redis.client().keys("taskflow:response:*")
    redis.client().delete(key)
    redis.client().set(f"{key}:lock", 1, px=3000)

    responses = get([SingleFlight()], quick, times=1)

    assert responses == [RESPONSE]
    assert quick.count == 1


def test_process_builds_once_without_redis(tmp_path):
    builder = Builder(RESPONSE)

    responses = get([SingleFlight()], builder, times=50, location=f"unix://{tmp_path}/missing.sock")

    assert responses == [RESPONSE] * 50
    assert builder.count == 1
    assert not any(isinstance(response, RedisError) for response in responses)
