"""Wherever something can be guessed, a flood from one address is refused by nginx before a node hears of it."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from drills.parts import free_port
from tests.nginx.front import Front

pytestmark = pytest.mark.nginx
DOORS = (
    "/_allauth/app/v1/auth/login",
    "/_allauth/app/v1/auth/2fa/authenticate",
    "/_allauth/app/v1/auth/password/reset",
    "/api/v1/auth/second-factor/",
    "/password/reset/",
    "/password/reset/new/",
    "/confirm/",
    "/confirm/code/",
    "/login/second-factor/",
    "/register/",
    "/invitation/",
)


@pytest.fixture
def alone() -> Iterator[Front]:
    """nginx without a node behind it: whatever it lets through is a 503, or a 502."""
    folder = Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp"))
    front = Front(folder, free_port(), {})
    front.start_nginx(["nobody"])
    front.wait(lambda: front.get("/metrics").status == 404)
    yield front
    front.stop()
    shutil.rmtree(folder, ignore_errors=True)


def flood(front: Front, method: str, path: str) -> Counter[int]:
    with ThreadPoolExecutor(8) as people:
        return Counter(people.map(lambda _: front.send(method, path, b"{}").status, range(100)))


@pytest.mark.parametrize("path", DOORS)
def test_a_flood_is_refused_at_every_door_where_something_can_be_guessed(path, alone):
    found = flood(alone, "POST", path)

    assert 30 <= found[429] <= 49
    assert set(found) <= {429, 502, 503}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/tasks/new/"), ("DELETE", "/_allauth/app/v1/auth/session"), ("POST", "/api/v1/tasks/")],
)
def test_other_work_does_not_count_as_guessing(method, path, alone):
    assert flood(alone, method, path)[429] == 0
