"""The sweep: whatever a lost job, a dead broker or a dead worker left behind is sent all the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from celery import current_app
from django.utils import timezone

from core.testing.smtp import free_port
from notifications import jobs, notify
from notifications.email import services as email_services
from notifications.inbox import services as inbox
from notifications.models import Notification, OutgoingEmail
from notifications.tests.factories import NOW, make_email, make_event, make_notification

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker_away():
    """Point Celery at a port where nobody listens."""
    before = current_app.conf.broker_write_url
    _speak_to(f"redis://127.0.0.1:{free_port()}/0")
    yield
    _speak_to(before)


def _speak_to(broker: str) -> None:
    """Celery reads the address once per process; its pools have to forget it."""
    app: Any = current_app
    app.conf.broker_write_url = broker
    app._pool = app.amqp._producer_pool = None


def test_a_dead_broker_loses_nothing(broker_away, alice, bob, task, sink, django_capture_on_commit_callbacks):
    event = make_event("task.assigned", task, actor=alice, assignee_id=bob)

    ids = notify.notify(event=event, kind=Notification.Kind.ASSIGNED, user_ids=[str(bob.pk)])
    jobs.enqueue_emails(ids)

    assert sink.messages == []
    assert email_services.claim_pending(now=timezone.now()) == ids


def test_the_sweep_sends_what_no_job_was_started_for(bob, sink, jobs_run_at_once):
    email = make_email(bob)

    jobs.sweep_emails()

    assert sink.only()["Message-ID"] == email.message_id


def test_the_sweep_sends_what_a_dead_worker_held(bob, sink, jobs_run_at_once):
    make_email(bob, state="sending", claimed_at=NOW, enqueued_at=None, attempts=1)

    with time_machine.travel(NOW + timedelta(seconds=61), tick=False):
        jobs.sweep_emails()

    assert len(sink.messages) == 1


def test_the_sweep_waits_for_the_time_of_the_next_attempt(bob, sink, jobs_run_at_once):
    make_email(bob, next_attempt_at=NOW + timedelta(seconds=20))

    with time_machine.travel(NOW, tick=False):
        jobs.sweep_emails()

    assert sink.messages == []


def test_a_job_tolerates_arguments_of_a_newer_release(bob, sink, jobs_run_at_once):
    email = make_email(bob)

    jobs.send_email.delay(email_id=str(email.pk), priority="high")

    assert len(sink.messages) == 1


class TestTakingWhatWaits:
    def test_gives_an_email_to_one_caller_and_again_only_when_its_job_is_taken_for_lost(self, bob):
        email = make_email(bob)

        assert email_services.claim_pending(now=NOW) == [email.pk]
        assert email_services.claim_pending(now=NOW + timedelta(seconds=29)) == []
        assert email_services.claim_pending(now=NOW + timedelta(seconds=31)) == [email.pk]

    def test_leaves_what_is_being_sent_was_sent_or_was_given_up(self, bob):
        make_email(bob, state="sending", claimed_at=NOW - timedelta(seconds=59))
        make_email(bob, state="sent", sent_at=NOW)
        make_email(bob, state="dead")

        assert email_services.claim_pending(now=NOW) == []


class TestPurging:
    def test_removes_old_news_with_its_emails_and_keeps_the_rest(self, bob):
        long_ago, last_year = NOW - timedelta(days=91), NOW - timedelta(days=366)
        make_email(bob, notification={"created_at": long_ago, "read_at": long_ago})
        make_notification(bob, created_at=long_ago, in_inbox=False)
        make_notification(bob, created_at=last_year)
        kept = {
            make_notification(bob, created_at=long_ago).pk,
            make_notification(bob, created_at=NOW - timedelta(days=89), read_at=NOW).pk,
        }

        assert inbox.purge(now=NOW) == 3

        assert set(Notification.objects.values_list("pk", flat=True)) == kept
        assert not OutgoingEmail.objects.exists()
