"""Jobs: emails are sent despite a lost job, a dead broker or a dead worker."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from celery import current_app
from django.utils import timezone

from core import db
from core.testing.clock import read_real_clock
from core.testing.smtp import free_port
from notifications import jobs, notify
from notifications.email import services as email_services
from notifications.inbox import services as inbox
from notifications.models import Notification, OutgoingEmail
from notifications.tests.factories import NOW, make_email, make_event, make_notification

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker_down():
    """Point Celery at a port without a listener."""
    before = current_app.conf.broker_write_url
    _set_broker(f"redis://127.0.0.1:{free_port()}/0")
    yield
    _set_broker(before)


def _set_broker(url: str) -> None:
    """Change the broker's URL; Celery reads it once per process, so its pools are reset."""
    app: Any = current_app
    app.conf.broker_write_url = url
    app._pool = app.amqp._producer_pool = None


def test_emails_stay_queued_while_the_broker_is_down(
    broker_down, alice, bob, task, sink, django_capture_on_commit_callbacks
):
    event = make_event("task.assigned", task, actor=alice, assignee_id=bob)

    email_ids = notify.notify(event=event, kind=Notification.Kind.ASSIGNED, user_ids=[str(bob.pk)])
    jobs.enqueue_emails(email_ids)

    assert sink.messages == []
    assert email_services.claim_for_enqueue(now=timezone.now()) == email_ids


def test_sweep_sends_emails_without_a_job(bob, sink, jobs_run_at_once):
    email = make_email(bob)

    jobs.sweep_emails()

    assert sink.only()["Message-ID"] == email.message_id


def test_sweep_sends_emails_claimed_by_a_dead_worker(bob, sink, jobs_run_at_once):
    make_email(bob, state="sending", claimed_at=NOW, enqueued_at=None, attempts=1)

    with time_machine.travel(NOW + timedelta(seconds=61), tick=False):
        jobs.sweep_emails()

    assert len(sink.messages) == 1


def test_worker_with_a_wrong_clock_sends_nothing_twice(bob, sink, jobs_run_at_once, monkeypatch):
    """The clock of the database decides what is claimed, abandoned and due; that of the worker is an hour off."""
    monkeypatch.setattr(db, "read_database_clock", read_real_clock)
    now = timezone.now()
    make_email(bob, state="sending", claimed_at=now, attempts=1)
    make_email(bob, next_attempt_at=now + timedelta(minutes=30))
    abandoned = make_email(bob, state="sending", claimed_at=now - timedelta(seconds=70), attempts=1)
    refused = make_email(bob, next_attempt_at=now - timedelta(seconds=1))

    for hours in (1, -1):
        with time_machine.travel(now + timedelta(hours=hours)):
            jobs.send_email(email_id=str(OutgoingEmail.objects.get(claimed_at=now).pk))
            sink.refuse_recipient = "451 Busy" if hours == 1 else ""
            jobs.sweep_emails()

    refused.refresh_from_db()
    assert (refused.state, refused.attempts) == ("queued", 1)
    assert timedelta() < refused.next_attempt_at - now < timedelta(seconds=60)
    abandoned.refresh_from_db()
    assert (abandoned.state, abandoned.attempts) == ("queued", 2)
    assert OutgoingEmail.objects.get(state="sending").claimed_at == now
    assert sink.messages == []


def test_sweep_waits_for_the_next_attempt(bob, sink, jobs_run_at_once):
    make_email(bob, next_attempt_at=NOW + timedelta(seconds=20))

    with time_machine.travel(NOW, tick=False):
        jobs.sweep_emails()

    assert sink.messages == []


def test_job_tolerates_arguments_of_a_newer_release(bob, sink, jobs_run_at_once):
    email = make_email(bob)

    jobs.send_email.delay(email_id=str(email.pk), priority="high")

    assert len(sink.messages) == 1


class TestClaimPending:
    def test_email_is_claimed_again_only_after_the_enqueue_timeout(self, bob):
        email = make_email(bob)

        assert email_services.claim_for_enqueue(now=NOW) == [email.pk]
        assert email_services.claim_for_enqueue(now=NOW + timedelta(seconds=29)) == []
        assert email_services.claim_for_enqueue(now=NOW + timedelta(seconds=31)) == [email.pk]

    def test_sending_sent_and_failed_emails_are_not_claimed(self, bob):
        make_email(bob, state="sending", claimed_at=NOW - timedelta(seconds=59))
        make_email(bob, state="sent", sent_at=NOW)
        make_email(bob, state="dead")

        assert email_services.claim_for_enqueue(now=NOW) == []


class TestPurge:
    def test_old_notifications_are_deleted_with_their_emails(self, bob):
        long_ago, last_year = NOW - timedelta(days=91), NOW - timedelta(days=366)
        make_email(bob, notification={"created_at": long_ago, "read_at": long_ago})
        make_notification(bob, created_at=long_ago, in_inbox=False)
        make_notification(bob, created_at=last_year)
        recent_ids = {
            make_notification(bob, created_at=long_ago).pk,
            make_notification(bob, created_at=NOW - timedelta(days=89), read_at=NOW).pk,
        }

        assert inbox.purge(now=NOW) == 3

        assert set(Notification.objects.values_list("pk", flat=True)) == recent_ids
        assert not OutgoingEmail.objects.exists()
