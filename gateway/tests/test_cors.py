"""Other sites' scripts: those that are allowed read every answer, wherever it comes from; all others read none."""

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
    words = {name.replace("_", "-"): value for name, value in headers.items()}
    if origin:
        words["origin"] = origin
    if token:
        words["authorization"] = f"Bearer {token}"
    return send_request(gateway, method, path, headers=words)


def cors(answer):
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_an_allowed_site_reads_what_django_and_what_the_memory_answers(task, alice):
    token = token_of(alice)

    built = send("GET", LIST, token)
    remembered = CACHE_HITS._value.get()
    kept = send("GET", LIST, token)
    unchanged = send("GET", LIST, token, if_none_match=built.headers["etag"])

    assert [answer.status for answer in (built, kept, unchanged)] == [200, 200, 304]
    assert CACHE_HITS._value.get() == remembered + 2
    assert [answer.headers[ALLOWED] for answer in (built, kept, unchanged)] == [OURS] * 3
    assert "ETag" in kept.headers[EXPOSED]
    assert "Origin" in kept.headers["vary"].split(", ")


@pytest.mark.parametrize("origin", [OTHER, "null", "https://app.example.com.evil.com", "http://app.example.com", ""])
def test_what_was_remembered_for_an_allowed_site_says_nothing_of_it_to_another_one(origin, task, alice):
    token = token_of(alice)
    for _ in range(2):
        send("GET", LIST, token)

    answers = [send("GET", LIST, token, origin=origin), send("GET", "/api/v1/notifications/", token, origin=origin)]

    assert [(answer.status, cors(answer)) for answer in answers] == [(200, {}), (200, {})]


def test_an_allowed_site_reads_refusals_too(settings, alice):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tiers": {"anonymous": (1, 0)}}
    gateway.checker.rules = json.dumps(settings.RATE_LIMITS)

    answers = [send("GET", LIST), send("GET", LIST), send("GET", "/api/v1/health")]

    assert [answer.status for answer in answers] == [401, 429, 200]
    assert [answer.headers[ALLOWED] for answer in answers] == [OURS] * 3
    assert "Retry-After" in answers[1].headers[EXPOSED]


def test_a_preflight_tells_an_allowed_site_what_it_may_send():
    answer = send("OPTIONS", LIST, access_control_request_method="PATCH", access_control_request_headers="if-match")

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers[ALLOWED] == OURS
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert {"Authorization", "If-Match", "Idempotency-Key"} <= set(
        answer.headers["access-control-allow-headers"].split(", ")
    )
    assert answer.headers["vary"].startswith("Origin")


def test_a_preflight_tells_another_site_nothing():
    answer = send("OPTIONS", LIST, origin=OTHER, access_control_request_method="POST")

    assert (answer.status, cors(answer)) == (204, {})


def test_cookies_of_other_sites_are_never_asked_for_nor_taken(alice, client):
    log_in(client, alice)
    session = client.cookies["sessionid"].value

    answer = send("GET", LIST, cookie=f"sessionid={session}")
    written = send_request(
        gateway,
        "POST",
        LIST,
        headers={"origin": OURS, "cookie": f"sessionid={session}", "content-type": "application/json"},
        chunks=[b'{"title": "Forged"}'],
    )

    assert (answer.status, written.status) == (401, 401)
    assert "access-control-allow-credentials" not in {**answer.headers, **written.headers}
    assert not Task.objects.exists()


@pytest.mark.parametrize("path", ["/login/", "/", "/admin/"])
def test_pages_are_for_no_other_site(path):
    answer = send("GET", path)

    assert cors(answer) == {}


@pytest.mark.parametrize("wrong", ["*", "app.example.com", "https://app.example.com/", "https://*.example.com", "null"])
def test_what_is_no_origin_stops_the_start(wrong, monkeypatch):
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", f"{OURS},{wrong}")

    with pytest.raises(ImproperlyConfigured, match="CORS_ALLOWED_ORIGINS must hold origins"):
        env.origins("CORS_ALLOWED_ORIGINS")


def test_origins_are_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", f"{OURS}, http://localhost:3000")

    assert env.origins("CORS_ALLOWED_ORIGINS") == {OURS, "http://localhost:3000"}
