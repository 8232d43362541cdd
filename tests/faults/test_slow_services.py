"""One slow service stops no others: a mail server that hangs, and a Redis that is frozen."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from django.db import connection

from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import signed_in
from drills.cluster import Cluster, node_connection
from drills.processes import wait_until
from drills.slow import UNLIMITED, SilentServer, start_workers
from notifications.models import Notification, OutgoingEmail

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


@pytest.fixture
def processes():
    """Processes on the database of this test, with a Redis of their own."""
    # Always /tmp: the path of a Unix socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp"))
    mail_server = SilentServer()
    database = connection.settings_dict
    environment = {
        **UNLIMITED,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}",
        "REDIS_URL": f"unix://{folder}/redis.sock?db=0",
        "CELERY_BROKER_URL": "",
        "EMAIL_BACKEND": "notifications.email.backend.SmtpBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": mail_server.port,
    }
    with Cluster(folder, **environment) as processes:
        (folder / "var").mkdir()
        processes.start("redis")
        yield processes
    mail_server.close()
    shutil.rmtree(folder, ignore_errors=True)


def test_notices_arrive_while_the_mail_server_hangs(processes, alice, bob, project):
    processes.start("relay")
    start_workers(processes)
    client = signed_in(alice)

    def assign(title):
        """Assign a new task and return how many seconds its notice took."""
        body = {"title": title, "project": project.key, "assignees": [str(bob.pk)]}
        assert client.post("/api/v1/tasks/", body).status_code == 201
        notices = Notification.objects.filter(task_title=title, recipient=bob)
        return wait_until(notices.exists, seconds=90, what=processes.log("worker"))

    assign("The first one waits until the workers have started")
    # The mail worker has four threads, each of which waits for the server.
    seconds = [assign(f"Task {number}") for number in range(8)]

    assert sorted(seconds)[-2] < 5, seconds
    assert not OutgoingEmail.objects.filter(state=OutgoingEmail.State.SENT).exists()


def test_registration_is_quick_while_redis_is_frozen(processes, bob):
    processes.start("web1")
    processes.wait_for("web1")

    async def exchange(path, body):
        node = node_connection(processes, "web1")
        response = await node.send("POST", f"/api/v1/auth/{path}/", body)
        node.close()
        return response

    def send(path, **body):
        return asyncio.run(exchange(path, {"password": PASSWORD, **body}))

    def register():
        response = send("register", email=f"{os.urandom(4).hex()}@example.com", name="Rita")
        assert response.status == 201, response.body
        return response.seconds

    normal = max(register() for _ in range(3))
    processes.freeze("redis")
    seconds = [register() for _ in range(4)]
    sign_in = send("login", email=bob.email)
    processes.thaw("redis")

    # The gateway and the rate limit ask Redis once each, for a quarter of a second.
    assert max(seconds) < normal + 1, (normal, seconds)
    assert sign_in.status == 200
    assert OutgoingEmail.objects.filter(state=OutgoingEmail.State.QUEUED).count() >= 4
