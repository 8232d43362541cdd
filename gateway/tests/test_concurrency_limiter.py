"""The concurrency limiter for requests that hash passwords: sign-ins do not keep other requests waiting."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import suppress

import pytest

from config.wsgi import application as django
from core import redis
from core.cache import LEASE
from core.testing.asgi import run, send_request
from core.testing.concurrency import wait_until
from gateway import admission
from gateway.admission import ConcurrencyLimiter, Overloaded
from gateway.api_key_cache import NO_API_KEYS
from gateway.application import Gateway
from gateway.session_backend import SessionBackend

pytestmark = pytest.mark.django_db(transaction=True)
SIGN_IN = ("POST", "/api/v1/auth/login/")


class Hashing:
    """A node whose sign-ins take until they are released."""

    def __init__(self):
        self.inside = 0
        self.may_go = threading.Event()
        self.gateway = Gateway(self._django, SessionBackend(key=str, look_up=str), NO_API_KEYS)

    def _django(self, environ, start_response):
        if environ["PATH_INFO"] == SIGN_IN[1]:
            self.inside += 1
            self.may_go.wait(10)
        return django(environ, start_response)

    def sign_in(self):
        body = json.dumps({"email": "nobody@example.com", "password": "wrong"}).encode()
        return send_request(self.gateway, *SIGN_IN, headers={"content-type": "application/json"}, chunks=[body])


@pytest.fixture
def node():
    redis.client().flushdb()
    redis.client().set(LEASE, "open")
    made = Hashing()
    yield made
    made.may_go.set()
    made.gateway.django.close()
    run(made.gateway.checker.close())


def test_sign_ins_leave_threads_to_other_requests(node, settings, monkeypatch):
    monkeypatch.setattr(admission, "LIMITER_TIMEOUT", 60)
    sign_ins = [threading.Thread(target=node.sign_in) for _ in range(8)]
    for thread in sign_ins:
        thread.start()
    wait_until(lambda: node.inside == settings.WSGI_THREADS // 2)

    bystander = send_request(node.gateway, "GET", "/login/")

    assert bystander.status == 200
    assert node.inside == settings.WSGI_THREADS // 2
    node.may_go.set()
    for thread in sign_ins:
        thread.join()
    assert node.inside == 8


def test_limiter_sheds_requests_beyond_its_queue():
    async def story():
        limiter, done, came = ConcurrencyLimiter(1), asyncio.Event(), []

        async def pass_through():
            async with limiter.slot():
                came.append(len(came))
                await done.wait()

        tasks = [asyncio.ensure_future(pass_through()) for _ in range(1 + admission.MAX_QUEUE)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            async with limiter.slot():
                came.append("too many")
        inside = list(came)
        done.set()
        await asyncio.gather(*tasks)
        return inside, len(came), limiter.waiting

    assert run(story()) == ([0], 1 + admission.MAX_QUEUE, 0)


def test_limiter_sheds_a_request_on_timeout(monkeypatch):
    monkeypatch.setattr(admission, "LIMITER_TIMEOUT", 0.05)

    async def story():
        limiter = ConcurrencyLimiter(1)
        async with limiter.slot():
            with pytest.raises(Overloaded):
                async with limiter.slot():
                    pass
        async with limiter.slot():
            return limiter.waiting

    assert run(story()) == 0


def test_cancelled_request_leaves_the_limiters_queue():
    async def story():
        limiter = ConcurrencyLimiter(1)

        async def pass_through():
            async with limiter.slot():
                raise AssertionError("it was cancelled before its turn")

        async with limiter.slot():
            cancelled = asyncio.ensure_future(pass_through())
            await asyncio.sleep(0)
            cancelled.cancel()
            with suppress(asyncio.CancelledError):
                await cancelled
        async with limiter.slot():
            return limiter.waiting

    assert run(story()) == 0


def test_routes_take_turns_in_the_limiter():
    async def story():
        limiter, order = ConcurrencyLimiter(1), []

        async def pass_through(route):
            async with limiter.slot(route):
                order.append(route)
                await asyncio.sleep(0)

        routes = ["register"] * 24 + ["sign in"] * 3
        await asyncio.gather(*map(pass_through, routes))
        return order

    order = run(story())
    assert order[:7] == ["register", "register", "sign in", "register", "sign in", "register", "sign in"]
    assert len(order) == 27
