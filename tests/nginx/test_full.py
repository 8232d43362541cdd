"""When the nodes have as much work as they get done soon, nginx refuses more of it, and only of it."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from launcher.front import FOR_WORK

pytestmark = [pytest.mark.nginx, pytest.mark.processes]
AT_ONCE = 2 * int(FOR_WORK.removeprefix("max_conns="))
TASKS = "/api/v1/tasks/"


@pytest.fixture
def full(silence):
    """The front of two nodes that have as much work as they take, and how often each of these paths reached them."""
    front, asked = silence
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        for number in range(AT_ONCE):
            crowd.submit(front.get, f"/api/v1/labels/?page={number + 1}")
        front.wait(lambda: len(asked()) == AT_ONCE)

        def reached(path: str) -> int:
            return sum(path.encode() in one.split(b"\r\n", 1)[0] for one in asked())

        yield front, reached, crowd


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/api/v1/users/", {}),
        ("GET", f"{TASKS}?overdue=true", {}),
        ("GET", TASKS, {"Cache_Control": "no-store"}),
        ("GET", "/projects/", {}),
        ("POST", TASKS, {}),
        ("PATCH", f"{TASKS}OPS-1/", {}),
        ("DELETE", f"{TASKS}OPS-1/", {}),
    ],
)
def test_work_is_refused_at_once_and_no_node_hears_of_it(method, path, headers, full):
    front, reached, _ = full

    began = time.monotonic()
    answer = front.send(method, path, b"{}" if method in {"POST", "PATCH"} else None, **headers)

    assert answer.status == 503
    assert int(answer.one("Retry-After")) == 2
    assert time.monotonic() - began < 1
    assert reached(path) == 0
    if path.startswith("/api/"):
        assert json.loads(answer.body)["code"] == "service_unavailable"


@pytest.mark.parametrize("path", [TASKS, f"{TASKS}OPS-1/", "/api/v1/me/", "/api/v1/health", "/livez", "/readyz"])
def test_what_may_be_remembered_and_what_the_operator_asks_reaches_a_node(path, full):
    front, reached, crowd = full

    crowd.submit(front.get, path)

    front.wait(lambda: reached(f"GET {path} "))
