"""Nodes behind nginx while the database is away: quick 503s, cached responses go on, and service is back at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection

from accounts.models import User
from accounts.tests.fixtures import token_of
from core import redis
from core.cache import LEASE
from tasks.models import Task
from tests.faults.test_database_faults import superuser
from tests.nginx.conftest import nginx_server  # noqa: F401 -- a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.nginx]
CLIENTS, OUTAGE = 12, 6.0


def test_outage_is_answered_and_forgotten(nginx_server, task, alice):  # noqa: F811
    User.objects.update(tier="load")
    redis.client().set(LEASE, "open")
    headers = {"Authorization": f"Bearer {token_of(alice)}", "Content-Type": "application/json"}
    cached = "/api/v1/tasks/"
    uncached = [
        ("GET", "/api/v1/tasks/?limit={}", None),
        ("POST", "/api/v1/tasks/", b'{"title": "New", "project": "OPS"}'),
        ("GET", "/login/", None),
        ("POST", "/api/v1/auth/login/", b'{"email": "nobody{}@example.com", "password": "wrong"}'),
    ]

    def send(number):
        method, path, body = uncached[number % len(uncached)]
        began = time.monotonic()
        response = nginx_server.send(
            method, path.format(number % 90 + 1), body and body.replace(b"{}", b"%d" % number), **headers
        )
        return method, path, response, time.monotonic() - began

    for _ in range(8):  # both nodes have the session and the list
        assert nginx_server.get(cached, **headers).status == 200
    before = Task.objects.count()
    connection.close()
    name = connection.settings_dict["NAME"]
    with psycopg.connect(**superuser() | {"dbname": "postgres"}) as other, ThreadPoolExecutor(CLIENTS) as clients:
        try:
            other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            other.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])
            end, during, alive = time.monotonic() + OUTAGE, [], []
            while time.monotonic() < end:
                during += clients.map(send, range(len(during), len(during) + CLIENTS))
                alive += [
                    nginx_server.get(path, **headers).status for path in ("/livez", cached, "/static/css/base.css")
                ]
        finally:
            other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        time.sleep(1)
        after = list(clients.map(send, range(4 * CLIENTS)))

    assert set(alive) == {200}
    # Pages that need no rows are shown.
    for method, path, response, _ in during:
        assert response.status == 503 or (method, path) == ("GET", "/login/"), (method, path, response.body)
        assert response.status == 200 or response.one("Retry-After") == "1"
        if path.startswith("/api/"):
            assert b'"database_unavailable"' in response.body
    late = [seconds for *_, seconds in during[4 * CLIENTS :]]
    assert sorted(late)[int(0.95 * len(late))] < 1
    expected = {("GET", "/api/v1/tasks/"): 200, ("POST", "/api/v1/tasks/"): 201, ("GET", "/login/"): 200}
    for method, path, response, _ in after:
        status = expected.get((method, path.partition("?")[0]), 401)
        assert response.status == status, (method, path, response.body)
    assert Task.objects.count() == before + CLIENTS
