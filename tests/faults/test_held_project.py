"""A project whose row is held stops no other requests, in real nodes behind nginx."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter

import psycopg
import pytest

from accounts.models import User
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import token_of
from tasks.models import Task
from tasks.tests.factories import ProjectFactory
from tests.faults.test_database_faults import superuser
from tests.nginx.conftest import nginx_server  # noqa: F401 -- a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.nginx]
SECONDS = 8


class Load:
    """Clients that send one kind of request until the end, and count the responses."""

    def __init__(self, send, clients, pause=0.0):
        self.statuses, self.slowest = Counter(), 0.0
        self.threads = [threading.Thread(target=self._run, args=(send, pause)) for _ in range(clients)]

    def _run(self, send, pause):
        end = time.monotonic() + SECONDS
        while (started_at := time.monotonic()) < end:
            self.statuses[send().status] += 1
            self.slowest = max(self.slowest, time.monotonic() - started_at)
            time.sleep(pause)


def test_held_project_stops_no_others(nginx_server, project, alice, bob):  # noqa: F811
    # Without a rate limit in the way: thirty clients of one user are within it for a moment only.
    User.objects.update(tier="load")
    other = ProjectFactory(owner=bob, key="OTHER")
    tokens = {"alice": token_of(alice), "bob": token_of(bob)}

    def api(user, method, path, body=None):
        headers = {"Authorization": f"Bearer {tokens[user]}", "Content-Type": "application/json"}
        return nginx_server.send(method, path, json.dumps(body).encode() if body else None, **headers)

    def create(user, key):
        return lambda: api(user, "POST", "/api/v1/tasks/", {"title": "New", "project": key})

    def sign_in():
        body = json.dumps({"email": bob.email, "password": PASSWORD}).encode()
        return nginx_server.send("POST", "/api/v1/auth/login/", body, Content_Type="application/json")

    assert create("bob", other.key)().status == 201
    with psycopg.connect(**superuser() | {"autocommit": False}) as holder:
        holder.execute("SELECT 1 FROM tasks_project WHERE id = %s FOR UPDATE", [project.pk])
        loads = {
            "held": Load(create("alice", project.key), 30, 0.2),
            "create": Load(create("bob", other.key), 2, 0.1),
            "list": Load(lambda: api("bob", "GET", f"/api/v1/tasks/?search={time.monotonic_ns()}"), 2, 0.1),
            "sign in": Load(sign_in, 1, 1.0),
            "page": Load(lambda: nginx_server.get("/login/"), 1, 0.2),
        }
        threads = [thread for load in loads.values() for thread in load.threads]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        holder.rollback()

    assert set(loads["held"].statuses) == {503}
    assert set(loads["create"].statuses) == {201}
    assert set(loads["list"].statuses) | set(loads["sign in"].statuses) | set(loads["page"].statuses) == {200}
    assert Task.objects.filter(project=project).count() == 0
    assert Task.objects.filter(project=other).count() == loads["create"].statuses[201] + 1
    assert create("alice", project.key)().status == 201
