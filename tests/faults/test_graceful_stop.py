"""Nodes that are stopped under load: every request is answered, although no POST is sent twice."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import threading
import time
from collections import Counter

import pytest

from accounts.models import User
from accounts.tests.fixtures import token_of
from tasks.models import Task
from tests.nginx.conftest import nginx_server  # noqa: F401 -- a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.nginx]
CLIENTS, ROUNDS = 8, 2


class Writer(threading.Thread):
    """A client with one connection, which creates tasks without an Idempotency-Key until it is stopped."""

    def __init__(self, port, token, project, may_write):
        super().__init__(daemon=True)
        self.port, self.project, self.may_write = port, project, may_write
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.results = Counter()
        self.is_stopped = threading.Event()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        body = json.dumps({"title": "New", "project": self.project})
        while self.may_write.wait() and not self.is_stopped.is_set():
            try:
                connection.request("POST", "/api/v1/tasks/", body, self.headers)
                response = connection.getresponse()
                content = json.loads(response.read())
                self.results[201 if response.status == 201 else f"{response.status} {content['detail']}"] += 1
            except (OSError, http.client.HTTPException) as error:
                self.results[type(error).__name__] += 1
                connection.close()
        connection.close()


def is_ready(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return client.recv(12) == b"HTTP/1.1 200"


def test_stopped_node_answers_all_its_requests(nginx_server, project, alice):  # noqa: F811
    User.objects.update(tier="load")
    may_write = threading.Event()
    writers = [Writer(nginx_server.port, token_of(alice), project.key, may_write) for _ in range(CLIENTS)]
    for writer in writers:
        writer.start()
    codes, seconds = [], []
    try:
        for name in ["one", "two"] * ROUNDS:
            may_write.set()
            time.sleep(1)
            node, began = nginx_server.nodes[name], time.monotonic()
            node.send_signal(signal.SIGTERM)
            codes.append(node.wait(40))
            seconds.append(time.monotonic() - began)
            nginx_server.start_node(name)
            # The other one may stop once this one is ready, and nginx has forgotten its failures (fail_timeout). Until
            # then writes would prove nothing, and keep both cores busy.
            nginx_server.wait(lambda name=name: is_ready(nginx_server.socket(name)))
            may_write.clear()
            time.sleep(3.5)
    finally:
        for writer in writers:
            writer.is_stopped.set()
        may_write.set()
        for writer in writers:
            writer.join(60)
    results = sum((writer.results for writer in writers), Counter())

    assert set(results) == {201}
    assert Task.objects.filter(project=project).count() == results[201]
    assert set(codes) == {0}
    assert max(seconds) < 10
