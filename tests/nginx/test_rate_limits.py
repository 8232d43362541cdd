"""Rate limit of nginx for all forms and endpoints where secrets can be guessed."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from drills.processes import free_port
from tests.nginx.nginx_server import NginxServer

pytestmark = pytest.mark.nginx
LIMITED_REQUESTS = (
    "/api/v1/auth/login/",
    "/api/v1/auth/mfa/",
    "/api/v1/auth/password-reset/",
    "/api/v1/auth/password-reset/confirm/",
    "/api/v1/auth/reauthenticate/",
    "/api/v1/auth/verify-email/",
    "/api/v1/me/deletion/",
    "/api/v1/me/password/",
    "/settings/delete-account/",
    "/settings/security/password/",
    "/password/reset/",
    "/password/reset/new/",
    "/reauthenticate/",
    "/reauthenticate/code/",
    "/login/mfa/",
    "/register/",
    "/invitation/",
)


@pytest.fixture
def standalone_nginx() -> Iterator[NginxServer]:
    """nginx without a node: requests that pass its limits get 502 or 503."""
    folder = Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp"))
    nginx_server = NginxServer(folder, free_port(), {})
    nginx_server.start_nginx(["missing"])
    nginx_server.wait(lambda: nginx_server.get("/metrics").status == 404)
    yield nginx_server
    nginx_server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def send_burst(nginx_server: NginxServer, method: str, path: str) -> Counter[int]:
    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(lambda _: nginx_server.send(method, path, b"{}").status, range(100)))


@pytest.mark.parametrize("path", LIMITED_REQUESTS)
def test_login_floods_get_429(path, standalone_nginx):
    statuses = send_burst(standalone_nginx, "POST", path)

    assert 30 <= statuses[429] <= 49
    assert set(statuses) <= {429, 502, 503}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/tasks/new/"), ("POST", "/settings/"), ("POST", "/api/v1/tasks/")],
)
def test_other_requests_are_not_rate_limited(method, path, standalone_nginx):
    assert send_burst(standalone_nginx, method, path)[429] == 0
