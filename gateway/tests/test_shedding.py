"""Shed requests cost no quota, and their responses can be read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading

import pytest
from django.db import OperationalError

from core.testing.asgi import run
from gateway import responses
from gateway.admission import AdmissionControl
from gateway.tests.test_application import JSON, LIST, alices, node, nodes  # noqa: F401 -- fixtures
from tasks.models import Task

pytestmark = pytest.mark.django_db(transaction=True)


def remaining(response):
    return int(response.headers["ratelimit"].partition("r=")[2].partition(";")[0])


def shed_after_the_check(monkeypatch, method):
    """Give a request a place in the queue until its quota is spent, then none."""
    results = [True] if method == "GET" else [False, True]
    monkeypatch.setattr(
        AdmissionControl, "should_shed", lambda _self, _max_wait, _route: results.pop(0) if results else False
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("has_redis", [True, False], ids=["with Redis", "without Redis"])
def test_shed_request_spends_no_quota(node, alices, monkeypatch, method, has_redis):  # noqa: F811
    if not has_redis:
        node.gateway.checker.circuit_open_until = float("inf")
    before = remaining(node.send("POST", LIST, alices, {"title": "Before"}))
    shed_after_the_check(monkeypatch, method)

    shed = node.send(method, f"{LIST}?limit=7" if method == "GET" else LIST, alices, {"title": "Shed"})
    after = remaining(node.send("POST", LIST, alices, {"title": "After"}))

    assert shed.status == 503
    assert shed.json()["code"] == "overloaded"
    assert before - after == 1
    assert not Task.objects.filter(title="Shed").exists()


def test_liveness_check_needs_no_thread(node):  # noqa: F811
    answers = {method: node.send(method, "/livez", "") for method in ("GET", "HEAD", "POST")}

    assert (answers["GET"].status, answers["GET"].json()) == (200, {"status": "ok"})
    assert (answers["HEAD"].status, answers["HEAD"].body) == (200, b"")
    assert answers["POST"].status == 403  # Django's CSRF check
    assert node.entered == 1


@pytest.mark.parametrize("size", [8_000, 8_193, 65_536])
def test_long_header_line_is_rejected_as_by_nginx(node, alices, size):  # noqa: F811
    name = "x-long"

    in_header = node.get(LIST, alices, **{name: "a" * (size - len(name))})
    in_path = node.get(f"{LIST}{'a' * size}/", alices)

    assert (in_header.status, in_path.status) == ((200, 404) if size == 8_000 else (431, 431))


def test_client_still_sending_can_read_the_413(node, alices, monkeypatch):  # noqa: F811
    sent, order = [], []
    chunks = [b"a" * 65_536] * 128  # 8 MB

    async def receive():
        order.append("receive")
        return {"type": "http.request", "body": chunks.pop() if chunks else b"", "more_body": bool(chunks)}

    async def send(message):
        order.append("more" if message.get("more_body") else message["type"].rpartition(".")[2])
        sent.append(message)

    headers = {**JSON, "authorization": f"Bearer {alices}", "host": "127.0.0.1", "content-length": str(8 * 1024 * 1024)}
    scope = {
        "type": "http", "method": "POST", "path": LIST, "raw_path": LIST.encode(), "query_string": b"", "scheme": "http",
        "http_version": "1.1", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip

    run(node.gateway(scope, receive, send))

    # The whole problem document goes out first, then the rest of the body is read, and only then the connection closes.
    assert order[:2] == ["start", "more"]
    assert order[-1] == "body"
    assert (sent[0]["status"], json.loads(sent[1]["body"])["code"]) == (413, "content_too_large")
    assert not chunks
    assert not Task.objects.exists()


def test_413_waits_for_a_slow_sender_only_so_long(node, alices, monkeypatch):  # noqa: F811
    monkeypatch.setattr(responses, "LINGER_SECONDS", 0.05)
    finished = []

    async def receive():
        await asyncio.sleep(60)

    async def send(message):
        finished.append(not message.get("more_body", True))

    headers = [(b"content-type", b"application/json"), (b"host", b"127.0.0.1"), (b"content-length", b"8388608")]
    headers.append((b"authorization", f"Bearer {alices}".encode()))
    scope = {"type": "http", "method": "POST", "path": LIST, "query_string": b"", "headers": headers, "scheme": "http"}
    run(asyncio.wait_for(node.gateway({**scope, "http_version": "1.1"}, receive, send), 20))

    assert not finished[1]


def start_request(server, token, *, disconnects=False):
    """Start a POST on the event loop; return its task and the messages of the response."""
    messages, received = [], [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def send(message):
        messages.append(message)

    async def receive():
        if received:
            return received.pop()
        if not disconnects:
            await asyncio.sleep(30)
        return {"type": "http.disconnect"}

    headers = [(b"host", b"testserver"), (b"authorization", f"Bearer {token}".encode())]
    scope = {"type": "http", "http_version": "1.1", "scheme": "http", "method": "POST", "path": LIST}
    scope |= {"query_string": b"", "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}
    return asyncio.ensure_future(server.gateway(scope, receive, send)), messages


def test_request_in_progress_at_the_end_gets_a_503(node, alices, monkeypatch):  # noqa: F811
    may_go = threading.Event()
    monkeypatch.setattr(node.gateway.django, "application", lambda _environ, _start: may_go.wait(10) and [])

    async def story():
        request, messages = start_request(node, alices)
        while not (node.gateway.admission.active or request.done()):
            await asyncio.sleep(0.01)
        request.cancel()
        await request
        return messages

    try:
        start, body = run(story())
    finally:
        may_go.set()
    assert (start["status"], json.loads(body["body"])["code"]) == (503, "stopping")
    assert dict(start["headers"])[b"retry-after"] == b"1"


@pytest.mark.parametrize("disconnects", [True, False])
def test_client_that_gave_up_in_the_queue_gets_no_thread(node, alices, disconnects):  # noqa: F811
    node.get(LIST, alices)  # the session is known
    node.entered = 0

    async def story():
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(node.gateway.admission.max_cpu_bound):
                await stack.enter_async_context(node.gateway.admission.slot())
            request, messages = start_request(node, alices, disconnects=disconnects)
            await asyncio.sleep(0.1)
        await request
        return messages

    messages = run(story())
    assert (node.entered, bool(messages)) == ((0, False) if disconnects else (1, True))


def test_database_fault_while_streaming_is_a_503(node, alices, monkeypatch):  # noqa: F811
    def stream(_environ, start):
        start("200 OK", [])
        yield b"first"
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(node.gateway.django, "application", stream)

    response = node.send("POST", LIST, alices, {"title": "New"})

    assert (response.status, response.json()["code"]) == (503, "database_unavailable")
