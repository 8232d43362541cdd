from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from celery import current_app
from django.db import transaction
from django.utils.module_loading import import_string

from config.subscriptions import SUBSCRIPTIONS
from events.models import Event
from notifications.tests import smtp
from notifications.tests.factories import make_person, make_project, make_task


@pytest.fixture
def alice(db):
    return make_person("Alice")


@pytest.fixture
def bob(db):
    return make_person("Bob")


@pytest.fixture
def carol(db):
    return make_person("Carol", role="staff")


@pytest.fixture
def mallory(db):
    return make_person("Mallory")


@pytest.fixture
def project(alice, bob):
    return make_project(alice, bob)


@pytest.fixture
def task(project):
    return make_task(project)


@pytest.fixture(scope="session")
def smtp_server() -> Iterator[smtp.Sink]:
    sink = smtp.Sink()
    server = smtp.start(sink)
    yield sink
    server.stop()


@pytest.fixture
def sink(smtp_server, settings) -> smtp.Sink:
    """The mail server of this test, empty and well-disposed."""
    smtp_server.messages.clear()
    smtp_server.refuse_recipient = smtp_server.refuse_message = ""
    smtp_server.slowness = 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", smtp_server.port
    return smtp_server


@pytest.fixture
def jobs_run_at_once() -> Iterator[None]:
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.fixture
def deliver(jobs_run_at_once, django_capture_on_commit_callbacks) -> Callable[[Event], None]:
    """Give a fact to our handlers as events.delivery does, commit, and run the jobs that this hands over."""

    def give(event: Event) -> None:
        ours = [name for name in SUBSCRIPTIONS[event.name] if name.startswith("notifications.")]
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            for consumer in ours:
                import_string(consumer)(event)

    return give
