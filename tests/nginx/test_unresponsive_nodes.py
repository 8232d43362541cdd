"""Nodes that accept connections and never response: timeouts, retries on other nodes, WebSockets."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.nginx.nginx_server import NginxServer

pytestmark = [pytest.mark.nginx, pytest.mark.processes, pytest.mark.django_db(transaction=True)]
USER_DATA = {"email": "nina@example.com", "name": "Nina", "password": "seven green bottles"}
JSON_HEADERS = {"Content_Type": "application/json"}


def register(nginx_server: NginxServer) -> dict[str, str]:
    response = nginx_server.send("POST", "/api/v1/auth/register/", json.dumps(USER_DATA).encode(), **JSON_HEADERS)
    return {"Authorization": f"Bearer {json.loads(response.body)['access']}"}


def create_task(nginx_server: NginxServer, headers: dict[str, str], key: str) -> tuple[int, str, float]:
    started = time.monotonic()
    response = nginx_server.send(
        "POST", "/api/v1/tasks/", b'{"title": "Once"}', **JSON_HEADERS, **headers, Idempotency_Key=key
    )
    return response.status, json.loads(response.body).get("key", ""), time.monotonic() - started


def request_duration(nginx_server: NginxServer, path: str, **headers: str) -> tuple[int, float]:
    started = time.monotonic()
    return nginx_server.get(path, **headers).status, time.monotonic() - started


def test_reads_move_on_from_a_hanging_node(nginx_server):
    headers = register(nginx_server)

    with nginx_server.paused("one"):
        results = [request_duration(nginx_server, "/api/v1/me/", **headers) for _ in range(12)]

    assert {status for status, _ in results} == {200}
    assert max(seconds for _, seconds in results) < 4
    assert sum(seconds > 1 for _, seconds in results) <= 4


def test_idempotent_write_moves_to_another_node_once(nginx_server):
    headers = register(nginx_server)
    time.sleep(3)  # until nginx uses both nodes again

    with nginx_server.paused("one"):
        first = [create_task(nginx_server, headers, f"key-{number}") for number in range(3)]
    time.sleep(1)
    repeated = [create_task(nginx_server, headers, f"key-{number}") for number in range(3)]

    assert {status for status, _, _ in first} == {201}
    assert max(seconds for _, _, seconds in first) < 14
    assert [key for _, key, _ in repeated] == [key for _, key, _ in first]
    assert json.loads(nginx_server.get("/api/v1/tasks/?page=1", **headers).body)["count"] == 3


IDEMPOTENT_WRITES = {"Idempotency-Key": "a"}
READS = {
    "GET /api/v1/tasks/": 2,
    "HEAD /tasks/": 2,
    "GET /admin/tasks/task/": 1,
    "GET /api/v1/schema/": 1,
    "GET /api/v1/me/exports/0198a9c2-7d63-7e1c-8a6e-5c1a4f1f3b11/archive/": 1,
}
WRITES = {
    "POST /api/v1/tasks/ keyed": 2,
    "POST /api/v1/labels/": 1,
    "POST /tasks/new/ keyed": 1,
    "PATCH /api/v1/tasks/OPS-1/ keyed": 1,
}


@pytest.mark.parametrize(("requests", "timeout"), [(READS, 4), (WRITES, 14)], ids=["reads", "writes"])
def test_safe_requests_are_retried_on_another_node(requests, timeout, silent_nodes):
    nginx_server, received_requests = silent_nodes

    def send(request: str) -> None:
        method, path, *keyed = request.split()
        with pytest.raises(TimeoutError):
            nginx_server.send(method, path, timeout=timeout, **(IDEMPOTENT_WRITES if keyed else {}))

    with ThreadPoolExecutor(len(requests)) as pool:
        list(pool.map(send, requests))

    heads = Counter(b" ".join(head.split()[:2]).decode() for head in received_requests())
    assert heads == {request.removesuffix(" keyed"): times for request, times in requests.items()}


@pytest.mark.parametrize(("path", "is_upgraded"), [("/ws/v1/", True), ("/livez", False)])
def test_websockets_are_upgraded_below_ws_only(path, is_upgraded, silent_nodes):
    nginx_server, received_requests = silent_nodes

    with pytest.raises(TimeoutError):
        nginx_server.send("GET", path, timeout=1, Upgrade="websocket", Connection="Upgrade")

    (head,) = received_requests()
    assert (b"Upgrade: websocket\r\nConnection: upgrade" in head) is is_upgraded
