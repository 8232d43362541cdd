"""What holds remembered answers back while Redis is away: writers insist, and the gate closes by itself."""

from __future__ import annotations

import time

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from core import redis
from core.cache import GATE, GATE_SECONDS, gate_end, generation, insist, open_gate, raise_generations, remember


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
    insist(lambda: None)
    yield
    insist(lambda: None)


def seconds_of(command):
    began = time.monotonic()
    insist(command)
    return time.monotonic() - began


def test_a_writer_insists_until_the_gate_must_have_closed_and_is_answered_then():
    assert GATE_SECONDS <= seconds_of(Away()) < GATE_SECONDS + 1


def test_the_next_writer_knows_and_tries_once():
    insist(Away())
    second = Away()

    assert seconds_of(second) < 0.1
    assert second.count == 1


def test_a_command_that_succeeds_in_the_end_is_done_once_more_and_no_more():
    command = Away(times=3)

    assert seconds_of(command) < GATE_SECONDS
    assert command.count == 4


def test_a_failure_of_long_ago_shortens_nobodys_patience():
    insist(Away())
    time.sleep(GATE_SECONDS + 0.1)

    assert seconds_of(Away()) >= GATE_SECONDS


def test_the_gate_closes_by_itself():
    open_gate(gate_end())

    assert 0 < redis.client().pttl(GATE) <= GATE_SECONDS * 1000


def test_a_command_that_redis_carries_out_late_opens_nothing():
    until = gate_end() - int(GATE_SECONDS * 1000) - 1

    open_gate(until)

    assert generation("alice") is None


def test_behind_a_closed_gate_everything_is_built_anew():
    built = [remember("alice", "me", seconds=60, build=lambda number=number: number) for number in (1, 2)]

    assert built == [1, 2]


def test_behind_an_open_gate_an_answer_is_kept_until_its_generation_is_raised():
    open_gate(gate_end())
    first, second = (remember("alice", "me", seconds=60, build=lambda number=number: number) for number in (1, 2))
    raise_generations(["alice"])

    third = remember("alice", "me", seconds=60, build=lambda: 3)

    assert (first, second, third) == (1, 1, 3)
