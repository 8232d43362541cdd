"""PostgreSQL that hangs without closing a connection: requests fail within two seconds, and service is back at once."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from psycopg_pool import ConnectionPool

from accounts.models import User
from accounts.tests.fixtures import token_of
from core.postgresql import availability
from core.testing.concurrency import wait_until
from drills.processes import free_port
from tasks.models import Task
from tests.faults.database_proxy import DatabaseProxy
from tests.nginx.nginx_server import NginxServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def proxy():
    folder = Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp"))
    proxy = DatabaseProxy(folder, Path(connection.settings_dict["HOST"]))
    yield proxy
    proxy.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def pool(proxy, settings):
    """A pool of connections through the proxy, which are watched."""
    settings.DATABASE_PROBE_AFTER = 0.3
    parameters = {"dbname": connection.settings_dict["NAME"], "user": connection.settings_dict["USER"]}
    with ConnectionPool(
        kwargs={**parameters, "host": str(proxy.folder), "autocommit": True, "connect_timeout": 2},
        connection_class=availability.WatchedConnection,
        min_size=1,
        max_size=3,
    ) as pool:
        yield pool
        proxy.thaw()
        wait_until(lambda: not availability._is_away.is_set(), seconds=5)


def test_frozen_server_ends_all_waits(pool, proxy):
    with pool.connection() as one, pool.connection() as other:
        other.execute("BEGIN")
        proxy.freeze()
        started_at = time.monotonic()
        with ThreadPoolExecutor(2) as threads:
            waits = [threads.submit(one.execute, "SELECT 1"), threads.submit(other.commit)]
            for wait in waits:
                with pytest.raises(psycopg.OperationalError):
                    wait.result(10)
        # The watchdog may have slept for a second, a tenth of the value outside of this test.
        assert time.monotonic() - started_at < 2.5
        with pytest.raises(psycopg.OperationalError):
            availability.require_reachable()
        proxy.thaw()
        wait_until(lambda: not availability._is_away.is_set(), seconds=1)


def test_slow_statement_goes_on(pool):
    with pool.connection() as one:
        assert one.execute("SELECT pg_sleep(1.5)").fetchone() == ("",)
    availability.require_reachable()


@pytest.mark.nginx
def test_node_answers_while_its_database_is_frozen(proxy, task, alice):
    User.objects.update(tier="load")
    folder = Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp"))
    database = connection.settings_dict
    node = NginxServer(
        folder,
        free_port(),
        {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": f"postgresql:///{database['NAME']}?host={proxy.folder}&user={database['USER']}",
            "DATA_DIR": str(folder / "var"),
            "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        },
    )
    headers = {"Authorization": f"Bearer {token_of(alice)}", "Content-Type": "application/json"}
    lock, samples = threading.Lock(), []

    def send(number):
        write = number % 2
        started_at = time.monotonic()
        response = (
            node.send("POST", "/api/v1/tasks/", b'{"title": "New", "project": "OPS"}', **headers)
            if write
            else node.get(f"/api/v1/tasks/?limit={number % 90 + 1}", **headers)
        )
        with lock:
            samples.append((response, time.monotonic() - started_at))
        return response.status

    try:
        (folder / "var").mkdir()
        node.start(["one"])
        assert [send(number) for number in range(4)] == [200, 201, 200, 201]
        samples.clear()
        with ThreadPoolExecutor(6) as clients:
            proxy.freeze()
            end = time.monotonic() + 5
            while time.monotonic() < end:
                list(clients.map(send, range(6)))
                assert node.get("/livez").status == 200
            before = Task.objects.count()
            proxy.thaw()
            time.sleep(1)
            during, samples = samples, []
            assert set(clients.map(send, range(12))) == {200, 201}
    finally:
        node.stop()
        shutil.rmtree(folder, ignore_errors=True)

    assert {response.status for response, _ in during} == {503}
    assert all(response.one("Retry-After") == "1" for response, _ in during)
    assert all(b'"database_unavailable"' in response.body for response, _ in during)
    assert max(seconds for _, seconds in during) < 2.5
    assert Task.objects.count() == before + 6
