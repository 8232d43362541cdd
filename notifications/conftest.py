from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from celery import current_app
from django.db import transaction
from django.utils.module_loading import import_string

from config.subscriptions import SUBSCRIPTIONS
from events.models import Event
from notifications.email import services as email_services
from tasks.tests.factories import TaskFactory


@pytest.fixture
def task(project):
    return TaskFactory(project=project, number=42, title="Fix the printer")


@pytest.fixture(autouse=True)
def mail_server_breaker() -> None:
    """Forget the failures of earlier tests."""
    email_services.mail_server.reset()


@pytest.fixture
def jobs_run_at_once() -> Iterator[None]:
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.fixture
def deliver(jobs_run_at_once, django_capture_on_commit_callbacks) -> Callable[[Event], None]:
    """Return a function that delivers an event to this app's handlers and runs the jobs."""

    def deliver_event(event: Event) -> None:
        consumers = [name for name in SUBSCRIPTIONS[event.name] if name.startswith("notifications.")]
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            for consumer in consumers:
                import_string(consumer)(event)

    return deliver_event
