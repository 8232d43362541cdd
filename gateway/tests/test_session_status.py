"""Requests of sessions that are not active, or whose status cannot be looked up."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.auth.sessions.cache import load_status, session_key
from accounts.auth.sessions.services import revoke_session
from accounts.models import Session
from accounts.tests.fixtures import token_of
from config.wsgi import application as django
from core import redis
from core.cache import LEASE
from core.testing.asgi import run, send_request
from gateway.application import Gateway
from gateway.session_backend import SessionBackend

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gateway_with():
    made = []

    def make(look_up):
        made.append(Gateway(django, SessionBackend(key=session_key, look_up=look_up)))
        return made[-1]

    yield make
    for gateway in made:
        run(_close(gateway))


async def _close(gateway):
    await gateway.checker.redis.aclose()
    gateway.django.close()


def get(gateway, token):
    return send_request(gateway, "GET", "/api/v1/tasks/", headers={"authorization": f"Bearer {token}"})


def test_revoked_session_is_not_looked_up_again(gateway_with, alice):
    looked_up = []
    gateway = gateway_with(lambda key: looked_up.append(key) or load_status(key))
    token = token_of(alice)
    revoke_session(actor=alice, session_id=Session.objects.get().pk, now=timezone.now())

    responses = [get(gateway, token).status for _ in range(3)]

    assert responses == [401, 401, 401]
    assert looked_up == []


def test_concurrent_requests_share_a_session_lookup(gateway_with, alice):
    looked_up = []

    def look_up(key):
        looked_up.append(key)
        time.sleep(0.3)  # so that all requests arrive meanwhile
        return load_status(key)

    gateway, token = gateway_with(look_up), token_of(alice)
    redis.client().flushdb()  # no node knows the session
    redis.client().set(LEASE, "open")

    with ThreadPoolExecutor(8) as readers:
        responses = list(readers.map(lambda _: get(gateway, token).status, range(8)))

    assert responses == [200] * 8
    assert len(looked_up) == 1


def test_failed_session_lookup_is_left_to_django(gateway_with, alice):
    def fail(key):
        raise OperationalError("the database is away")

    response = get(gateway_with(fail), token_of(alice))

    assert response.status == 200  # it was away for the look-up only
