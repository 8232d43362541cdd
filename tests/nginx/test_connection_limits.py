"""Load shedding by nginx: uncached work is refused while all nodes are busy, cached reads are not."""

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
    """nginx in front of two busy nodes, a request counter, and a thread pool."""
    nginx_server, received_requests = silent_nodes
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        for number in range(CONCURRENCY):
            pool.submit(nginx_server.get, f"/api/v1/labels/?page={number + 1}")
        nginx_server.wait(lambda: len(received_requests()) == CONCURRENCY)

        def count(path: str) -> int:
            return sum(path.encode() in request.split(b"\r\n", 1)[0] for request in received_requests())

        yield nginx_server, count, pool
        nginx_server.stop()  # ends the open requests now; the pool would wait for their timeouts


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
def test_uncached_work_is_refused_while_nodes_are_busy(method, path, headers, saturated_nginx):
    nginx_server, count, _ = saturated_nginx

    started = time.monotonic()
    response = nginx_server.send(method, path, b"{}" if method in {"POST", "PATCH"} else None, **headers)

    assert response.status == 503
    assert int(response.one("Retry-After")) == 2
    assert time.monotonic() - started < 1
    assert count(path) == 0
    if path.startswith("/api/"):
        assert json.loads(response.body)["code"] == "service_unavailable"


@pytest.mark.parametrize(
    "path", [TASKS_PATH, f"{TASKS_PATH}OPS-1/", "/api/v1/me/", "/api/v1/health", "/livez", "/readyz"]
)
def test_cacheable_reads_and_health_reach_a_busy_node(path, saturated_nginx):
    nginx_server, count, pool = saturated_nginx

    pool.submit(nginx_server.get, path)

    nginx_server.wait(lambda: count(f"GET {path} "))
