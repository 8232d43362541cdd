"""Warming: what is read most is built again before anybody asks, for nobody else, and never in anybody's way."""

from __future__ import annotations

import asyncio
import time

import pytest
from django.utils import timezone

from accounts.auth.sessions.cache import load_status, session_key
from accounts.auth.sessions.services import revoke_session
from accounts.auth.tokens import issue_access_token
from accounts.models import Session
from accounts.tests.fixtures import token_of
from config.wsgi import application as django
from core import redis
from core.cache import LEASE
from core.testing.asgi import run, send_request
from gateway.application import Gateway
from gateway.cache_warming import HOT_KEY, LOCK_KEY, MAX_TRACKED
from gateway.session_backend import SessionBackend
from tasks.items import services as items

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/api/v1/tasks/"


class Node:
    """A gateway that notes what enters Django."""

    def __init__(self):
        self.entered = []
        self.gateway = Gateway(
            self._django, SessionBackend(key=session_key, look_up=load_status, token=issue_access_token)
        )

    def _django(self, environ, start_response):
        self.entered.append(environ)
        return django(environ, start_response)

    def read(self, token, path=LIST, *, times=1, query=b"", **headers):
        headers = {"authorization": f"Bearer {token}", **{n.replace("_", "-"): v for n, v in headers.items()}}
        answers = [send_request(self.gateway, "GET", path, headers=headers, query=query) for _ in range(times)]
        return answers[-1]

    def warm(self):
        """One round; returns how many answers were built in it."""
        redis.client().delete(LOCK_KEY)
        self.entered = []
        return run(self.gateway.warmer.round())


@pytest.fixture
def nodes():
    redis.client().flushdb()
    redis.client().set(LEASE, "open")
    made = []

    def make():
        made.append(Node())
        return made[-1]

    yield make
    for node in made:
        run(node.gateway.checker.close())
        node.gateway.django.close()


@pytest.fixture
def node(nodes):
    return nodes()


@pytest.fixture
def alices(alice):
    return token_of(alice)


def write(task, alice, title="Buy a printer"):
    items.update(actor=alice, ref=task.key, changes={"title": title}, now=timezone.now())


def test_after_a_write_what_was_read_often_is_there_without_anybodys_asking(nodes, task, alice, alices):
    one, other = nodes(), nodes()
    one.read(alices, times=3)
    one.warm()
    write(task, alice)

    built = other.warm()
    entered = len(other.entered)
    answers = [node.read(alices) for node in (one, other)]

    assert (built, entered) == (1, 1)
    assert [answer.json()["results"][0]["title"] for answer in answers] == ["Buy a printer"] * 2
    assert len(one.entered) + len(other.entered) == 1  # nothing but the warmer's own


def test_a_node_that_starts_anew_warms_what_was_read_before(nodes, task, alice, alices):
    old = nodes()
    old.read(alices, times=3)
    old.warm()
    for key in redis.client().scan_iter("taskflow:response:*"):
        redis.client().delete(key)
    new = nodes()

    built = new.warm()
    new.entered = []

    assert built == 1
    assert new.read(alices).status == 200
    assert new.entered == []


def test_what_is_kept_already_is_not_built_again(node, task, alices):
    node.read(alices, times=5)

    assert [node.warm(), node.warm()] == [0, 0]
    assert node.entered == []


def test_what_was_read_once_or_twice_is_not_worth_it(node, task, alice, alices):
    node.read(alices, times=2)
    node.warm()
    write(task, alice)

    assert node.warm() == 0


def test_each_query_host_and_representation_is_warmed_as_it_was_read(node, task, alice, alices):
    asked = [{"query": b"limit=1"}, {"query": b"limit=2"}, {"accept": "application/json"}]
    for one in asked:
        node.read(alices, times=3, **one)
    node.warm()
    write(task, alice)

    built = node.warm()
    node.entered = []
    for one in asked:
        node.read(alices, **one)

    assert built == 3
    assert node.entered == []


def test_a_revoked_session_is_not_warmed(node, task, alice, alices):
    node.read(alices, times=3)
    node.warm()
    revoke_session(actor=alice, session_id=Session.objects.get(user=alice).pk, now=timezone.now())
    write(task, alice)

    assert node.warm() == 0
    assert node.entered == []


def test_a_session_that_only_redis_believes_alive_gets_nothing_kept(node, task, alice, alices):
    node.read(alices, times=3)
    node.warm()
    session = Session.objects.get(user=alice)
    revoke_session(actor=alice, session_id=session.pk, now=timezone.now())
    redis.client().set(session_key(session.pk), "alive:free")
    write(task, alice)
    for key in redis.client().scan_iter("taskflow:response:*"):
        redis.client().delete(key)

    assert node.warm() == 0
    assert list(redis.client().scan_iter("taskflow:response:*")) == []


def test_nothing_is_warmed_while_a_request_waits_or_no_thread_is_free(node, task, alice, alices):
    node.read(alices, times=3)
    node.warm()
    write(task, alice)

    while_all_work = run(_while_busy(node, requests=node.gateway.admission.max_cpu_bound))
    while_one_waits = run(_while_busy(node, requests=node.gateway.admission.max_cpu_bound + 1))

    assert (while_all_work, while_one_waits) == (0, 0)
    assert node.warm() == 1


def test_behind_a_closed_gate_nothing_is_warmed(node, task, alice, alices):
    node.read(alices, times=3)
    node.warm()
    write(task, alice)
    redis.client().delete(LEASE)

    assert node.warm() == 0
    assert node.entered == []


def test_warming_costs_the_reader_nothing_and_is_no_request_of_theirs(nodes, task, alice, alices, settings, capfd):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tiers": {"free": (5, 0), "anonymous": (100, 0)}}
    node = nodes()
    node.read(alices, times=3)
    node.warm()
    capfd.readouterr()

    for number in range(6):
        write(task, alice, title=f"Printer {number}")
        assert node.warm() == 1
    said = [line for line in capfd.readouterr().err.splitlines() if LIST in line]

    assert node.read(alices).headers["ratelimit"] == '"default";r=1;t=900'
    assert not any(str(alice.pk) in line or "request " in line for line in said)


def test_one_node_warms_at_a_time(nodes, task, alice, alices):
    one, other = nodes(), nodes()
    one.read(alices, times=3)
    one.warm()
    write(task, alice)
    redis.client().set(LOCK_KEY, 1, px=1000)

    assert run(other.gateway.warmer.round()) == 0
    assert other.entered == []


def test_what_nobody_reads_any_more_is_forgotten(node, task, alices, monkeypatch):
    monkeypatch.setattr("gateway.cache_warming.DECAY", 0.1)
    node.read(alices, times=3)

    for _ in range(2):
        node.warm()

    assert redis.client().zcard(HOT_KEY) == 0


def test_only_so_much_is_known(node, task, alices):
    for number in range(MAX_TRACKED + 20):
        redis.client().zadd(HOT_KEY, {f'["{number}"]': 1})
    node.read(alices, times=3)

    run(node.gateway.warmer._flush_counts(node.gateway.hit_counter.drain()))

    assert redis.client().zcard(HOT_KEY) == MAX_TRACKED


def test_a_node_that_is_started_warms_by_itself_until_it_is_stopped(node, task, alice, alices):
    node.read(alices, times=3)
    node.warm()
    write(task, alice)
    node.entered = []

    run(_live(node, seconds=2.5))

    assert len(node.entered) == 1
    assert "taskflow.cache_warming" in node.entered[0]


async def _while_busy(node, *, requests):
    """Warm while so many requests are in Django or wait for it."""

    async def work():
        async with node.gateway.admission.slot():
            await done.wait()

    done = asyncio.Event()
    working = [asyncio.ensure_future(work()) for _ in range(requests)]
    await asyncio.sleep(0)
    await asyncio.to_thread(redis.client().delete, LOCK_KEY)
    built = await node.gateway.warmer.round()
    done.set()
    await asyncio.gather(*working)
    return built


async def _live(node, *, seconds):
    said = []
    began = time.monotonic()
    waiting = ["lifespan.startup", "lifespan.shutdown"]

    async def receive():
        if len(waiting) == 1:
            await asyncio.sleep(began + seconds - time.monotonic())
        return {"type": waiting.pop(0)}

    async def send(message):
        said.append(message["type"])

    await node.gateway({"type": "lifespan"}, receive, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
