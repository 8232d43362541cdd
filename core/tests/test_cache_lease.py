"""What holds remembered answers back while Redis is away: writers insist, and the gate closes by itself."""

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
    began = time.monotonic()
    retry_until_lease_ends(command)
    return time.monotonic() - began


def test_a_writer_insists_until_the_gate_must_have_closed_and_is_answered_then():
    assert LEASE_SECONDS <= seconds_of(Away()) < LEASE_SECONDS + 1


def test_the_next_writer_knows_and_tries_once():
    retry_until_lease_ends(Away())
    second = Away()

    assert seconds_of(second) < 0.1
    assert second.count == 1


def test_a_command_that_succeeds_in_the_end_is_done_once_more_and_no_more():
    command = Away(times=3)

    assert seconds_of(command) < LEASE_SECONDS
    assert command.count == 4


def test_a_failure_of_long_ago_shortens_nobodys_patience():
    retry_until_lease_ends(Away())
    time.sleep(LEASE_SECONDS + 0.1)

    assert seconds_of(Away()) >= LEASE_SECONDS


def test_the_gate_closes_by_itself():
    renew_lease(lease_end())

    assert 0 < redis.client().pttl(LEASE) <= LEASE_SECONDS * 1000


def test_a_command_that_redis_carries_out_late_opens_nothing():
    until = lease_end() - int(LEASE_SECONDS * 1000) - 1

    renew_lease(until)

    assert generation("alice") is None


def test_behind_a_closed_gate_everything_is_built_anew():
    built = [get_or_build("alice", "me", seconds=60, build=lambda number=number: number) for number in (1, 2)]

    assert built == [1, 2]


def test_behind_an_open_gate_an_answer_is_kept_until_its_generation_is_raised():
    renew_lease(lease_end())
    first, second = (get_or_build("alice", "me", seconds=60, build=lambda number=number: number) for number in (1, 2))
    bump_generations(["alice"])

    third = get_or_build("alice", "me", seconds=60, build=lambda: 3)

    assert (first, second, third) == (1, 1, 3)
