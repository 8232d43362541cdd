"""What nginx does with a node that takes connections and says nothing, and with answers that take their time."""

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
    answer = nginx_server.send("POST", "/api/v1/auth/register/", json.dumps(USER_DATA).encode(), **JSON_HEADERS)
    return {"Authorization": f"Bearer {json.loads(answer.body)['access']}"}


def create_task(nginx_server: NginxServer, who: dict[str, str], key: str) -> tuple[int, str, float]:
    started = time.monotonic()
    answer = nginx_server.send(
        "POST", "/api/v1/tasks/", b'{"title": "Once"}', **JSON_HEADERS, **who, Idempotency_Key=key
    )
    return answer.status, json.loads(answer.body).get("key", ""), time.monotonic() - started


def request_duration(nginx_server: NginxServer, path: str, **headers: str) -> tuple[int, float]:
    started = time.monotonic()
    return nginx_server.get(path, **headers).status, time.monotonic() - started


def test_a_read_waits_for_a_hanging_node_for_a_moment_and_the_node_is_left_out(nginx_server):
    who = register(nginx_server)

    with nginx_server.paused("one"):
        found = [request_duration(nginx_server, "/api/v1/me/", **who) for _ in range(12)]

    assert {status for status, _ in found} == {200}
    assert max(seconds for _, seconds in found) < 4
    assert sum(seconds > 1 for _, seconds in found) <= 4


def test_a_keyed_write_goes_on_to_another_node_and_is_done_once(nginx_server):
    who = register(nginx_server)
    time.sleep(3)  # until nginx asks both again

    with nginx_server.paused("one"):
        found = [create_task(nginx_server, who, f"key-{number}") for number in range(3)]
    time.sleep(1)
    again = [create_task(nginx_server, who, f"key-{number}") for number in range(3)]

    assert {status for status, _, _ in found} == {201}
    assert max(seconds for _, _, seconds in found) < 7
    assert [key for _, key, _ in again] == [key for _, key, _ in found]
    assert json.loads(nginx_server.get("/api/v1/tasks/?page=1", **who).body)["count"] == 3


IDEMPOTENT_WRITES = {"Idempotency-Key": "a"}
READS = {
    "GET /api/v1/tasks/": 2,
    "HEAD /tasks/": 2,
    "GET /admin/tasks/task/": 1,
    "GET /api/v1/schema/": 1,
    "GET /api/v2/tasks/export/": 1,
}
WRITES = {
    "POST /api/v1/tasks/ keyed": 2,
    "POST /api/v1/labels/": 1,
    "POST /tasks/new/ keyed": 1,
    "PATCH /api/v1/tasks/OPS-1/ keyed": 1,
}


@pytest.mark.parametrize(("requests", "timeout"), [(READS, 4), (WRITES, 7)], ids=["reads", "writes"])
def test_a_silent_node_is_given_up_for_another_when_that_is_safe(requests, timeout, silent_nodes):
    nginx_server, asked = silent_nodes

    def ask(request: str) -> None:
        method, path, *keyed = request.split()
        with pytest.raises(TimeoutError):
            nginx_server.send(method, path, timeout=timeout, **(IDEMPOTENT_WRITES if keyed else {}))

    with ThreadPoolExecutor(len(requests)) as people:
        list(people.map(ask, requests))

    heads = Counter(b" ".join(head.split()[:2]).decode() for head in asked())
    assert heads == {request.removesuffix(" keyed"): times for request, times in requests.items()}


@pytest.mark.parametrize(("path", "is_upgraded"), [("/ws/v1/", True), ("/livez", False)])
def test_a_websocket_is_upgraded_below_its_path_only(path, is_upgraded, silent_nodes):
    nginx_server, asked = silent_nodes

    with pytest.raises(TimeoutError):
        nginx_server.send("GET", path, timeout=1, Upgrade="websocket", Connection="Upgrade")

    (head,) = asked()
    assert (b"Upgrade: websocket\r\nConnection: upgrade" in head) is is_upgraded
