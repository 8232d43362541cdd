"""CORS: scripts of allowed origins read every response of the API, those of other origins none."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ImproperlyConfigured

from accounts.tests.fixtures import token_of
from config import env
from config.asgi import application as gateway
from core import redis
from core.cache import LEASE
from core.testing.asgi import run, send_request
from core.testing.page_client import log_in
from gateway.application import CACHE_HITS
from tasks.models import Task

pytestmark = pytest.mark.django_db(transaction=True)
LIST, OURS, OTHER = "/api/v1/tasks/", "https://app.example.com", "https://evil.example.com"
ALLOWED, EXPOSED = "access-control-allow-origin", "access-control-expose-headers"


@pytest.fixture(autouse=True)
def _one_site_is_allowed(settings):
    settings.CORS_ALLOWED_ORIGINS = frozenset({OURS})
    redis.client().flushdb()
    redis.client().set(LEASE, "open")
    rules = gateway.checker.rules
    yield
    gateway.checker.rules = rules
    run(gateway.checker.close())


def send(method, path, token="", origin=OURS, **headers):
    all_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if origin:
        all_headers["origin"] = origin
    if token:
        all_headers["authorization"] = f"Bearer {token}"
    return send_request(gateway, method, path, headers=all_headers)


def cors(response):
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


def test_allowed_origin_reads_fresh_and_cached_responses(task, alice):
    token = token_of(alice)

    built = send("GET", LIST, token)
    hits = CACHE_HITS._value.get()
    cached = send("GET", LIST, token)
    unchanged = send("GET", LIST, token, if_none_match=built.headers["etag"])

    assert [response.status for response in (built, cached, unchanged)] == [200, 200, 304]
    assert CACHE_HITS._value.get() == hits + 2
    assert [response.headers[ALLOWED] for response in (built, cached, unchanged)] == [OURS] * 3
    assert "ETag" in cached.headers[EXPOSED]
    assert "Origin" in cached.headers["vary"].split(", ")


@pytest.mark.parametrize("origin", [OTHER, "null", "https://app.example.com.evil.com", "http://app.example.com", ""])
def test_other_origin_gets_no_cors_headers_from_the_cache(origin, task, alice):
    token = token_of(alice)
    for _ in range(2):
        send("GET", LIST, token)

    responses = [send("GET", LIST, token, origin=origin), send("GET", "/api/v1/notifications/", token, origin=origin)]

    assert [(response.status, cors(response)) for response in responses] == [(200, {}), (200, {})]


def test_allowed_origin_reads_error_responses(settings, alice):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tiers": {"anonymous": (1, 0)}}
    gateway.checker.rules = json.dumps(settings.RATE_LIMITS)

    responses = [send("GET", LIST), send("GET", LIST), send("GET", "/api/v1/health")]

    assert [response.status for response in responses] == [401, 429, 200]
    assert [response.headers[ALLOWED] for response in responses] == [OURS] * 3
    assert "Retry-After" in responses[1].headers[EXPOSED]


def test_preflight_of_an_allowed_origin_lists_the_methods():
    response = send("OPTIONS", LIST, access_control_request_method="PATCH", access_control_request_headers="if-match")

    assert (response.status, response.body) == (204, b"")
    assert response.headers[ALLOWED] == OURS
    assert "PATCH" in response.headers["access-control-allow-methods"]
    assert {"Authorization", "If-Match", "Idempotency-Key"} <= set(
        response.headers["access-control-allow-headers"].split(", ")
    )
    assert response.headers["vary"].startswith("Origin")


def test_preflight_of_another_origin_has_no_cors_headers():
    response = send("OPTIONS", LIST, origin=OTHER, access_control_request_method="POST")

    assert (response.status, cors(response)) == (204, {})


def test_cross_site_cookies_are_ignored(alice, client):
    log_in(client, alice)
    session = client.cookies["sessionid"].value

    response = send("GET", LIST, cookie=f"sessionid={session}")
    written = send_request(
        gateway,
        "POST",
        LIST,
        headers={"origin": OURS, "cookie": f"sessionid={session}", "content-type": "application/json"},
        chunks=[b'{"title": "Forged"}'],
    )

    assert (response.status, written.status) == (401, 401)
    assert "access-control-allow-credentials" not in {**response.headers, **written.headers}
    assert not Task.objects.exists()


@pytest.mark.parametrize("path", ["/login/", "/", "/admin/"])
def test_pages_have_no_cors_headers(path):
    response = send("GET", path)

    assert cors(response) == {}


@pytest.mark.parametrize("wrong", ["*", "app.example.com", "https://app.example.com/", "https://*.example.com", "null"])
def test_invalid_origin_in_settings_stops_the_start(wrong, monkeypatch):
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", f"{OURS},{wrong}")

    with pytest.raises(ImproperlyConfigured, match="CORS_ALLOWED_ORIGINS must hold origins"):
        env.origins("CORS_ALLOWED_ORIGINS")


def test_origins_are_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", f"{OURS}, http://localhost:3000")

    assert env.origins("CORS_ALLOWED_ORIGINS") == {OURS, "http://localhost:3000"}
