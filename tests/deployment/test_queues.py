"""Celery queues by purpose, and a broker that does not answer."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from celery import current_app
from django.conf import settings

from config import queues
from launcher import run
from launcher.paths import Paths
from notifications import jobs


def test_jobs_and_events_go_to_the_queue_of_their_purpose():
    current_app.loader.import_default_modules()
    assert queues.JOB_QUEUES.keys() <= set(current_app.tasks)
    consumers = {consumer for names in settings.SUBSCRIPTIONS.values() for consumer in names}
    for prefix in queues.CONSUMER_QUEUES:
        assert any(consumer.startswith(prefix) for consumer in consumers), prefix
    expected = {
        "notifications.handlers.task_assigned": "default",
        "analytics.handlers.task_created": "statistics",
        "accounts.privacy.handlers.build_requested_export": "bulk",
    }
    assert expected.keys() <= consumers
    for consumer, queue in expected.items():
        assert queues.route("events.deliver", (), {"consumer": consumer}, {})["queue"] == queue
    assert queues.route("notifications.send_email", (), {}, {})["queue"] == "mail"
    assert queues.route("tasks.publish_due_soon", (), None, {})["queue"] == "default"


def test_workers_of_the_launcher_read_every_queue(tmp_path):
    commands = [spec.command for spec in run.background_processes(Paths(tmp_path, tmp_path), {})]
    read = [command[command.index("-Q") + 1].split(",") for command in commands if "-Q" in command]

    assert sorted(name for names in read for name in names) == sorted(queue.name for queue in queues.QUEUES)
    assert ["mail"] in read


@pytest.mark.django_db
def test_frozen_broker_costs_less_than_half_a_second():
    """The broker accepts connections and never answers, as a frozen process does."""
    app: Any = current_app
    before = app.conf.broker_write_url
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        app.conf.broker_write_url = f"redis://127.0.0.1:{frozen.getsockname()[1]}/0"
        app._pool = app.amqp._producer_pool = None
        try:
            seconds = []
            for _ in range(3):
                started = time.monotonic()
                jobs.enqueue_emails(["01a200dc-9b1e-751c-8fa2-6e159714ad44"])
                seconds.append(time.monotonic() - started)
        finally:
            app.conf.broker_write_url = before
            app._pool = app.amqp._producer_pool = None
    assert max(seconds) < 0.5, seconds
