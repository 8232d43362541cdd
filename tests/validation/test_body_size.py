"""What only the ASGI application in front of Django can refuse: bodies that are too large, announced or not."""

from __future__ import annotations

import pytest

from accounts.tests.fixtures import token_of
from config.asgi import application
from core.testing.asgi import run, send_request
from tasks.models import Task

JSON = {"content-type": "application/json"}
MEGABYTE = b"x" * 1024 * 1024


@pytest.fixture(scope="module")
def gateway():
    return application


def assert_rejected(answer):
    return answer.status, answer.headers["content-type"], answer.json()["code"]


def test_an_announced_body_over_the_limit_is_refused_before_it_is_read(gateway):
    answer = send_request(
        gateway, "POST", "/api/v1/tasks/", headers={**JSON, "content-length": "1048577"}, chunks=[b"{"]
    )

    assert assert_rejected(answer) == (413, "application/problem+json", "content_too_large")
    assert answer.headers["connection"] == "close"


def test_a_chunked_body_over_the_limit_is_refused_when_it_gets_there(gateway):
    answer = send_request(
        gateway, "POST", "/api/v1/tasks/", headers={**JSON, "transfer-encoding": "chunked"}, chunks=[MEGABYTE, b"x"]
    )

    assert assert_rejected(answer) == (413, "application/problem+json", "content_too_large")


@pytest.mark.parametrize("announced", ["-1", "1e3", "abc", "٣"])
def test_a_length_that_is_no_number_does_not_open_the_door(gateway, announced):
    headers = {**JSON, "content-length": announced} if announced.isascii() else JSON

    answer = send_request(gateway, "POST", "/api/v1/tasks/", headers=headers, chunks=[MEGABYTE, MEGABYTE])

    assert answer.status == 413


def test_an_import_may_be_larger_than_a_json_body_and_has_its_own_limit(gateway):
    answer = send_request(
        gateway, "POST", "/api/v1/projects/OPS/imports/", headers=JSON, chunks=[MEGABYTE] * 10 + [b"x"]
    )

    assert answer.status == 413


def test_one_who_hangs_up_gets_no_answer_and_takes_no_thread(gateway):
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": "/api/v1/tasks/", "headers": [], "method": "POST"}
    run(gateway(scope, receive, send))

    assert sent == []


def test_lifespan_is_answered(gateway):
    waiting, sent = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}], []

    async def receive():
        return waiting.pop(0)

    async def send(message):
        sent.append(message["type"])

    run(gateway({"type": "lifespan"}, receive, send))

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.django_db(transaction=True)
def test_a_request_goes_through_to_django_and_back(gateway, alice):
    headers = {
        **JSON,
        "authorization": f"Bearer {token_of(alice)}",
        "transfer-encoding": "chunked",
        "x-request-id": "mine.1",
    }

    answer = send_request(
        gateway, "POST", "/api/v1/tasks/", headers=headers, chunks=[b'{"title": "In ', b"pieces", b'"}']
    )

    assert (answer.status, answer.json()["title"]) == (201, "In pieces")
    assert answer.headers["x-request-id"] == "mine.1"
    assert Task.objects.get().title == "In pieces"


@pytest.mark.django_db(transaction=True)
def test_what_django_refuses_is_a_problem_through_the_gateway_too(gateway, alice):
    headers = {**JSON, "authorization": f"Bearer {token_of(alice)}"}

    found = {
        "no token": send_request(gateway, "GET", "/api/v1/me/").status,
        "unknown path": send_request(gateway, "GET", "/api/v1/nothing/").status,
        "unknown method": send_request(gateway, "BREW", "/api/v1/tasks/", headers=headers).status,
        "malformed": send_request(gateway, "POST", "/api/v1/tasks/", headers=headers, chunks=[b"{"]).status,
        "a large number": send_request(
            gateway, "GET", "/api/v1/tasks/", headers=headers, query=b"limit=" + b"9" * 60_000
        ).status,
    }

    assert found == {
        "no token": 401,
        "unknown path": 404,
        "unknown method": 405,
        "malformed": 400,
        "a large number": 400,
    }
    assert not Task.objects.exists()
