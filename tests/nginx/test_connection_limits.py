"""When the nodes have as much work as they get done soon, nginx refuses more of it, and only of it."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from launcher.nginx import MAX_CONNS

pytestmark = [pytest.mark.nginx, pytest.mark.processes]
CONCURRENCY = 2 * int(MAX_CONNS.removeprefix("max_conns="))
TASKS_PATH = "/api/v1/tasks/"


@pytest.fixture
def saturated_nginx(silent_nodes):
    """The front of two nodes that have as much work as they take, and how often each of these paths reached them."""
    nginx_server, asked = silent_nodes
    with ThreadPoolExecutor(CONCURRENCY) as crowd:
        for number in range(CONCURRENCY):
            crowd.submit(nginx_server.get, f"/api/v1/labels/?page={number + 1}")
        nginx_server.wait(lambda: len(asked()) == CONCURRENCY)

        def reached(path: str) -> int:
            return sum(path.encode() in one.split(b"\r\n", 1)[0] for one in asked())

        yield nginx_server, reached, crowd


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/api/v1/users/", {}),
        ("GET", f"{TASKS_PATH}?overdue=true", {}),
        ("GET", TASKS_PATH, {"Cache_Control": "no-store"}),
        ("GET", "/projects/", {}),
        ("POST", TASKS_PATH, {}),
        ("PATCH", f"{TASKS_PATH}OPS-1/", {}),
        ("DELETE", f"{TASKS_PATH}OPS-1/", {}),
    ],
)
def test_work_is_refused_at_once_and_no_node_hears_of_it(method, path, headers, saturated_nginx):
    nginx_server, reached, _ = saturated_nginx

    began = time.monotonic()
    answer = nginx_server.send(method, path, b"{}" if method in {"POST", "PATCH"} else None, **headers)

    assert answer.status == 503
    assert int(answer.one("Retry-After")) == 2
    assert time.monotonic() - began < 1
    assert reached(path) == 0
    if path.startswith("/api/"):
        assert json.loads(answer.body)["code"] == "service_unavailable"


@pytest.mark.parametrize(
    "path", [TASKS_PATH, f"{TASKS_PATH}OPS-1/", "/api/v1/me/", "/api/v1/health", "/livez", "/readyz"]
)
def test_what_may_be_remembered_and_what_the_operator_asks_reaches_a_node(path, saturated_nginx):
    nginx_server, reached, crowd = saturated_nginx

    crowd.submit(nginx_server.get, path)

    nginx_server.wait(lambda: reached(f"GET {path} "))
