"""The cache lease: writers retry while Redis is unavailable, and the lease ends by itself."""

from __future__ import annotations

import time

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from core import redis
from core.cache import (
    LEASE,
    LEASE_SECONDS,
    bump_generations,
    generation,
    get_or_build,
    lease_end,
    renew_lease,
    retry_until_lease_ends,
)


class Away:
    """A command that fails so many times."""

    def __init__(self, times=10**9):
        self.times = times
        self.count = 0

    def __call__(self):
        self.count += 1
        if self.count <= self.times:
            raise RedisConnectionError


@pytest.fixture(autouse=True)
def _redis_is_known_to_be_there():
    redis.client().flushdb()
    retry_until_lease_ends(lambda: None)
    yield
    retry_until_lease_ends(lambda: None)


def seconds_of(command):
    started_at = time.monotonic()
    retry_until_lease_ends(command)
    return time.monotonic() - started_at


def test_writer_retries_until_the_lease_must_have_ended():
    assert LEASE_SECONDS <= seconds_of(Away()) < LEASE_SECONDS + 1


def test_next_writer_tries_once():
    retry_until_lease_ends(Away())
    second = Away()

    assert seconds_of(second) < 0.1
    assert second.count == 1


def test_retry_stops_after_success():
    command = Away(times=3)

    assert seconds_of(command) < LEASE_SECONDS
    assert command.count == 4


def test_failure_of_long_ago_does_not_shorten_the_retries():
    retry_until_lease_ends(Away())
    time.sleep(LEASE_SECONDS + 0.1)

    assert seconds_of(Away()) >= LEASE_SECONDS


def test_lease_ends_by_itself():
    renew_lease(lease_end())

    assert 0 < redis.client().pttl(LEASE) <= LEASE_SECONDS * 1000


def test_late_renewal_does_not_extend_the_lease():
    until = lease_end() - int(LEASE_SECONDS * 1000) - 1

    renew_lease(until)

    assert generation("alice") is None


def test_values_are_not_cached_without_a_lease():
    built = [get_or_build("alice", "me", seconds=60, build=lambda number=number: number) for number in (1, 2)]

    assert built == [1, 2]


def test_value_is_cached_until_its_generation_changes():
    renew_lease(lease_end())
    first, second = (get_or_build("alice", "me", seconds=60, build=lambda number=number: number) for number in (1, 2))
    bump_generations(["alice"])

    third = get_or_build("alice", "me", seconds=60, build=lambda: 3)

    assert (first, second, third) == (1, 1, 3)
