"""Response-time padding of endpoints that would show by their time whether an account exists."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from config.asgi import application as gateway
from core import redis
from core.api.routes import get_route_table
from core.cache import LEASE
from core.testing.asgi import run, send_request
from gateway import timing

pytestmark = pytest.mark.django_db(transaction=True)
WRONG = {"email": "alice@example.com", "password": "wrong"}
SLACK = 0.06


@pytest.fixture(autouse=True)
def _redis_is_empty():
    redis.client().flushdb()
    redis.client().set(LEASE, "open")
    yield
    run(gateway.checker.close())


def post(path, body):
    started_at = time.perf_counter()
    response = send_request(
        gateway, "POST", path, headers={"content-type": "application/json"}, chunks=[json.dumps(body).encode()]
    )
    return response, time.perf_counter() - started_at


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_login_response_time_is_padded(email, alice):
    response, seconds = post("/api/v1/auth/login/", {**WRONG, "email": email})

    assert response.status == 401
    assert seconds >= timing.RESPONSE_TIME_STEP
    assert seconds % timing.RESPONSE_TIME_STEP < SLACK
    assert "server-timing" not in response.headers


def test_other_endpoints_are_not_padded():
    response, seconds = post("/api/v1/auth/refresh/", {"refresh": "x"})

    assert response.status == 401
    assert seconds < timing.RESPONSE_TIME_STEP
    assert "server-timing" in response.headers


@pytest.mark.parametrize(
    "path",
    [
        "/login/",
        "/register/",
        "/password/reset/",
        "/api/v1/auth/login/",
        "/api/v1/auth/password-reset/",
        "/api/v1/auth/register/",
    ],
)
def test_endpoint_that_takes_an_email_address_is_padded(path):
    assert get_route_table().endpoint_for(path).pad_response_time == {"POST"}


def test_endpoint_that_hashes_a_password_declares_it():
    hashing = {route.template for route in get_route_table().with_declaration("hashes_password")}

    assert hashing == {
        "/api/v1/auth/login/",
        "/api/v1/auth/password-reset/confirm/",
        "/api/v1/auth/reauthenticate/",
        "/api/v1/auth/register-with-invitation/",
        "/api/v1/auth/register/",
        "/api/v1/me/deletion/",
        "/api/v1/me/password/",
        "/invitation/",
        "/login/",
        "/password/reset/new/",
        "/reauthenticate/",
        "/register/",
        "/settings/delete-account/",
        "/settings/security/password/",
        "/settings/security/password/set/",
        "/shared-task/",
        "/api/v1/tasks/{ref}/links/",
        "/tasks/{key}/links/",
    }


def test_padding_holds_no_slot(alice):
    async def both():
        waiting = asyncio.ensure_future(_sign_in())
        await asyncio.sleep(timing.RESPONSE_TIME_STEP * 0.8)
        active = gateway.admission.active
        await waiting
        return active

    assert run(both()) == 0


async def _sign_in():
    messages = [{"type": "http.request", "body": json.dumps(WRONG).encode()}]

    async def receive():
        if messages:
            return messages.pop()
        await asyncio.sleep(30)
        return {"type": "http.disconnect"}

    async def send(_message):
        return

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/v1/auth/login/",
        "raw_path": b"/api/v1/auth/login/",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"testserver"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
    await gateway(scope, receive, send)
