"""Admission control: requests that get a thread at once, wait for one, or are shed."""

from __future__ import annotations

import asyncio
import time

import pytest

from core.testing.asgi import run
from gateway import admission
from gateway.admission import AdmissionControl, Overloaded


class Crowd:
    """Requests that stay in Django until they are released."""

    def __init__(self, admission_control):
        self.admission_control = admission_control
        self.max_wait = admission.MAX_READ_WAIT
        self.active = []
        self.shed = []
        self.done = {}
        self.tasks = {}

    async def come(self, *names):
        for name in names:
            self.done[name] = asyncio.Event()
            self.tasks[name] = asyncio.ensure_future(self._work(name))
        await asyncio.sleep(0.01)

    async def _work(self, name):
        try:
            # Of `list 1` the route is `list`; other names have none.
            async with self.admission_control.slot(self.max_wait, str(name).rpartition(" ")[0]):
                self.active.append(name)
                await self.done[name].wait()
                self.active.remove(name)
        except Overloaded:
            self.shed.append(name)

    async def go(self, *names):
        for name in names:
            self.done[name].set()
        await asyncio.sleep(0.01)

    async def all_go(self):
        while not all(task.done() for task in self.tasks.values()):
            await self.go(*self.done)


def with_crowd(story, **limits):
    async def run_story():
        admission_control = AdmissionControl()
        for name, value in limits.items():
            setattr(admission_control, name, value)
        crowd = Crowd(admission_control)
        result = await story(crowd)
        await crowd.all_go()
        assert (admission_control.active, admission_control.cpu_bound, len(admission_control.queue)) == (0, 0, 0)
        return result

    return run(run_story())


def test_queue_is_first_come_first_served():
    async def story(crowd):
        await crowd.come("a", "b", "c", "d")
        first = list(crowd.active)
        await crowd.go("b")
        second = list(crowd.active)
        await crowd.go("a")
        return first, second, list(crowd.active)

    assert AdmissionControl().max_cpu_bound == 2
    assert with_crowd(story) == (["a", "b"], ["a", "c"], ["c", "d"])


def test_slow_request_makes_room_until_threads_are_used_up(monkeypatch):
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


def test_slow_route_leaves_threads_to_the_others(monkeypatch):
    monkeypatch.setattr(admission, "SLOW_AFTER", 0.05)

    async def story(crowd):
        await crowd.come(*(f"create {number}" for number in range(6)))
        await asyncio.sleep(0.1)
        held = list(crowd.active)
        await crowd.come("list 1", "list 2", "list 3")
        others = list(crowd.active)
        await crowd.go("create 0")
        one_left = list(crowd.active)
        await crowd.go("list 1")
        return held, others, one_left, list(crowd.active)

    held, others, one_left, at_last = with_crowd(story, threads=4)
    assert held == ["create 0", "create 1"]
    assert others == [*held, "list 1", "list 2"]
    # The two lists may compute still; then the next in the queue comes.
    assert one_left == ["create 1", "list 1", "list 2"]
    assert at_last == ["create 1", "list 2", "create 2"]


def test_route_of_quick_requests_may_hold_all_threads():
    async def story(crowd):
        await crowd.come(*(f"create {number}" for number in range(4)))
        return list(crowd.active)

    assert with_crowd(story, threads=4, max_cpu_bound=4) == [f"create {number}" for number in range(4)]


def test_queue_of_a_slow_route_sheds_no_others(monkeypatch, settings):
    settings.MAX_QUEUED_REQUESTS = 8
    monkeypatch.setattr(admission, "SLOW_AFTER", 0.05)

    async def story(crowd):
        await crowd.come("create 0", "create 1")
        await asyncio.sleep(0.1)
        crowd.admission_control.average_seconds = 0.2
        crowd.max_wait = admission.MAX_WRITE_WAIT
        await crowd.come(*(f"create {number}" for number in range(2, 10)))
        crowd.max_wait = 0.05
        await crowd.come("list 1")
        return list(crowd.shed), list(crowd.active)

    shed, active = with_crowd(story, threads=4)
    assert shed == [f"create {number}" for number in range(6, 10)]
    assert active == ["create 0", "create 1", "list 1"]


def test_request_beyond_the_queue_is_shed_at_once(settings):
    settings.MAX_QUEUED_REQUESTS = 1

    async def story(crowd):
        await crowd.come("a", "b", "c", "d")
        return list(crowd.active), list(crowd.shed)

    assert with_crowd(story) == (["a", "b"], ["d"])


def test_request_with_too_long_an_expected_wait_is_shed():
    async def story(crowd):
        crowd.admission_control.average_seconds = 0.2
        await crowd.come(*range(30))
        reads = len(crowd.active), len(crowd.shed)
        crowd.max_wait = admission.MAX_WRITE_WAIT
        await crowd.come(*range(30, 120))
        return reads, len(crowd.shed)

    # With 21 waiting, a read would wait for more than 2 s; a write waits for 10 s, behind 101 others.
    assert with_crowd(story) == ((2, 7), 17)


def test_queue_slot_is_released_on_timeout():
    async def story(crowd):
        crowd.max_wait = 0.1
        began = time.monotonic()
        await crowd.come("a", "b", "c")
        await crowd.tasks["c"]
        waited = time.monotonic() - began
        await crowd.come("d")
        await crowd.go("a")
        return list(crowd.shed), list(crowd.active), waited

    shed, active, waited = with_crowd(story)
    assert (shed, active) == (["c"], ["b", "d"])
    assert 0.05 < waited < 0.5


@pytest.mark.parametrize("is_called", [False, True], ids=["while waiting", "in the moment it is called"])
def test_cancelled_request_releases_its_slot(is_called):
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


def test_request_with_a_free_slot_is_never_shed(settings):
    settings.MAX_QUEUED_REQUESTS = 0

    async def story(crowd):
        crowd.admission_control.average_seconds = 100
        await crowd.come("a")
        return list(crowd.active)

    assert with_crowd(story) == ["a"]
