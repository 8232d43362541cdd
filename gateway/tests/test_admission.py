"""The way into Django: who gets in at once, who waits, who is told to come back."""

from __future__ import annotations

import asyncio
import time

import pytest

from core.testing.asgi import run
from gateway import admission
from gateway.admission import AdmissionControl, Overloaded


class Crowd:
    """Requests that stay in Django until they are let go."""

    def __init__(self, way_in):
        self.way_in = way_in
        self.active = []
        self.refused = []
        self.done = {}
        self.tasks = {}

    async def come(self, *names):
        for name in names:
            self.done[name] = asyncio.Event()
            self.tasks[name] = asyncio.ensure_future(self._work(name))
        await asyncio.sleep(0.01)

    async def _work(self, name):
        try:
            async with self.way_in.slot():
                self.active.append(name)
                await self.done[name].wait()
                self.active.remove(name)
        except Overloaded:
            self.refused.append(name)

    async def go(self, *names):
        for name in names:
            self.done[name].set()
        await asyncio.sleep(0.01)

    async def all_go(self):
        while not all(task.done() for task in self.tasks.values()):
            await self.go(*self.done)


def with_crowd(story, **limits):
    async def tell():
        way_in = AdmissionControl()
        for name, value in limits.items():
            setattr(way_in, name, value)
        crowd = Crowd(way_in)
        found = await story(crowd)
        await crowd.all_go()
        assert (way_in.active, way_in.cpu_bound, len(way_in.queue)) == (0, 0, 0)
        return found

    return run(tell())


def test_so_many_are_let_in_at_once_and_the_others_in_the_order_they_came():
    async def story(crowd):
        await crowd.come("a", "b", "c", "d")
        first = list(crowd.active)
        await crowd.go("b")
        second = list(crowd.active)
        await crowd.go("a")
        return first, second, list(crowd.active)

    assert AdmissionControl().max_cpu_bound == 2
    assert with_crowd(story) == (["a", "b"], ["a", "c"], ["c", "d"])


def test_one_that_turns_out_slow_makes_room_until_the_threads_are_used_up(monkeypatch):
    monkeypatch.setattr(admission, "SLOW_AFTER", 0.05)

    async def story(crowd):
        await crowd.come("a", "b", "c", "d", "e")
        first = list(crowd.active)
        await asyncio.sleep(0.1)
        second = list(crowd.active)
        await asyncio.sleep(0.1)
        return first, second, list(crowd.active)

    first, second, third = with_crowd(story, threads=4)
    assert (first, second, third) == (["a", "b"], ["a", "b", "c", "d"], ["a", "b", "c", "d"])


def test_beyond_so_many_the_next_is_refused_at_once(settings):
    settings.MAX_QUEUED_REQUESTS = 1

    async def story(crowd):
        await crowd.come("a", "b", "c", "d")
        return list(crowd.active), list(crowd.refused)

    assert with_crowd(story) == (["a", "b"], ["d"])


def test_one_who_would_wait_too_long_is_refused_at_once():
    async def story(crowd):
        crowd.way_in.seconds = 0.2
        await crowd.come(*range(10))
        return len(crowd.active), len(crowd.refused)

    # With six waiting the seventh would wait for 0.6 s.
    assert with_crowd(story) == (2, 2)


def test_one_who_has_waited_too_long_is_refused_and_the_place_goes_to_the_next(monkeypatch):
    monkeypatch.setattr(admission, "QUEUE_TIMEOUT", 0.1)

    async def story(crowd):
        began = time.monotonic()
        await crowd.come("a", "b", "c")
        await crowd.tasks["c"]
        waited = time.monotonic() - began
        await crowd.come("d")
        await crowd.go("a")
        return list(crowd.refused), list(crowd.active), waited

    refused, active, waited = with_crowd(story)
    assert (refused, active) == (["c"], ["b", "d"])
    assert 0.05 < waited < 0.5


@pytest.mark.parametrize("is_called", [False, True], ids=["while waiting", "in the moment it is called"])
def test_one_that_is_given_up_keeps_no_place(is_called):
    async def story(crowd):
        await crowd.come("a", "b", "c", "d")
        if is_called:
            crowd.done["a"].set()
            while "a" in crowd.active:
                await asyncio.sleep(0)
        crowd.tasks["c"].cancel()
        await asyncio.wait({crowd.tasks["c"]})
        await crowd.go("a", "b")
        return list(crowd.active)

    assert with_crowd(story) == ["d"]


def test_whoever_finds_a_place_is_never_refused(settings):
    settings.MAX_QUEUED_REQUESTS = 0

    async def story(crowd):
        crowd.way_in.seconds = 100
        await crowd.come("a")
        return list(crowd.active)

    assert with_crowd(story) == ["a"]
