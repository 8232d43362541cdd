"""Email delivery: claimed once, retried with backoff, failed visibly, always under the same Message-ID."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from core.testing.smtp import free_port
from notifications.email import services
from notifications.email.services import MAX_ATTEMPTS, retry_delay
from notifications.models import OutgoingEmail
from notifications.tests.factories import NOW, make_email

pytestmark = pytest.mark.django_db


@pytest.fixture
def email(bob) -> OutgoingEmail:
    return make_email(bob)


def send(email: OutgoingEmail, now=NOW) -> OutgoingEmail:
    services.send(email_id=email.pk, now=now)
    return OutgoingEmail.objects.get(pk=email.pk)


def test_sent_email_is_marked_as_sent(email, sink):
    delivered = send(email)

    assert sink.only()["Message-ID"] == email.message_id
    assert (delivered.state, delivered.attempts, delivered.sent_at, delivered.claimed_at) == ("sent", 1, NOW, None)


@pytest.mark.parametrize("state", ["sent", "dead"])
def test_finished_email_is_not_sent_again(state, email, sink):
    OutgoingEmail.objects.update(state=state, sent_at=NOW if state == "sent" else None)

    delivered = send(email)

    assert sink.messages == []
    assert (delivered.state, delivered.attempts) == (state, 0)


def test_deleted_email_is_ignored(email, sink):
    OutgoingEmail.objects.all().delete()

    services.send(email_id=email.pk, now=NOW)

    assert sink.messages == []


@pytest.mark.parametrize(
    ("refusing", "reply"), [("refuse_recipient", "451 Try later"), ("refuse_message", "452 Disk full")]
)
def test_temporary_refusal_is_retried_later(refusing, reply, email, sink):
    setattr(sink, refusing, reply)

    delivered = send(email)

    assert (delivered.state, delivered.attempts, delivered.claimed_at, delivered.sent_at) == ("queued", 1, None, None)
    assert timedelta(seconds=3) < delivered.next_attempt_at - NOW <= timedelta(seconds=5)
    assert reply[:3] in delivered.last_error


def test_unreachable_server_is_retried_later(email, sink, settings):
    settings.EMAIL_PORT = free_port()

    delivered = send(email)

    assert (delivered.state, delivered.attempts) == ("queued", 1)
    assert "ConnectionRefusedError" in delivered.last_error


def test_email_is_sent_once_the_server_is_back(email, sink):
    sink.refuse_message = "451 Busy"
    later = send(email).next_attempt_at
    sink.refuse_message = ""

    delivered = send(email, now=later)

    assert sink.only()["Message-ID"] == email.message_id
    assert (delivered.state, delivered.attempts, delivered.last_error) == ("sent", 2, "")


@pytest.mark.parametrize(
    ("refusing", "reply"), [("refuse_recipient", "550 No such person"), ("refuse_message", "554 Looks like spam")]
)
def test_permanent_refusal_fails_at_once(refusing, reply, email, sink):
    setattr(sink, refusing, reply)

    delivered = send(email)

    assert (delivered.state, delivered.attempts, delivered.claimed_at) == ("dead", 1, None)
    assert reply[:3] in delivered.last_error


def test_email_fails_after_the_last_attempt(email, sink):
    sink.refuse_message = "451 Busy"

    states = [send(email).state for _ in range(MAX_ATTEMPTS)]

    assert states == ["queued"] * (MAX_ATTEMPTS - 1) + ["dead"]


def test_retry_delay_grows_up_to_four_hours():
    max_seconds = [5, 20, 80, 320, 1280, 5120, 14400, 14400]

    for attempts, seconds in enumerate(max_seconds, start=1):
        assert timedelta(seconds=seconds * 0.75) <= retry_delay(attempts) <= timedelta(seconds=seconds)


def test_email_claimed_by_another_worker_is_left_alone(email, sink):
    OutgoingEmail.objects.update(state="sending", claimed_at=NOW - timedelta(seconds=60), attempts=1)

    delivered = send(email)

    assert sink.messages == []
    assert (delivered.state, delivered.attempts) == ("sending", 1)


def test_email_of_a_dead_worker_keeps_its_message_id(email, sink):
    send(email)
    OutgoingEmail.objects.update(state="sending", sent_at=None, claimed_at=NOW - timedelta(seconds=61))

    delivered = send(email)

    assert [message["Message-ID"] for message in sink.messages] == [email.message_id] * 2
    assert (delivered.state, delivered.attempts) == ("sent", 2)


def test_email_that_kills_every_worker_fails(email, sink):
    OutgoingEmail.objects.update(state="sending", claimed_at=NOW - timedelta(seconds=61), attempts=MAX_ATTEMPTS)

    delivered = send(email)

    assert sink.messages == []
    assert delivered.state == "dead"


@pytest.mark.django_db(transaction=True)
def test_concurrent_workers_send_one_message(email, sink):
    sink.delay = 0.3
    barrier = Barrier(8)

    def race(_: int) -> None:
        barrier.wait()
        services.send(email_id=email.pk, now=NOW)
        connection.close()

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(race, range(8)))

    assert len(sink.messages) == 1
    assert OutgoingEmail.objects.get().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_claim_is_visible_to_others_before_sending(email, sink):
    sink.delay = 0.5

    def sender() -> None:
        services.send(email_id=email.pk, now=NOW)
        connection.close()

    with ThreadPoolExecutor(1) as workers:
        sending = workers.submit(sender)
        seen = {OutgoingEmail.objects.get().state for _ in iter(sending.done, True)}

    assert "sending" in seen
    assert OutgoingEmail.objects.get().state == "sent"


class TestRequeue:
    def test_requeued_email_has_all_attempts_again(self, email, sink):
        sink.refuse_recipient = "550 No such person"
        send(email)
        sink.refuse_recipient = ""

        assert services.requeue(email_ids=[email.pk], now=NOW) == [email.pk]

        delivered = send(email)
        assert sink.only()["Message-ID"] == email.message_id
        assert (delivered.state, delivered.attempts) == ("sent", 1)

    def test_sent_email_is_not_requeued(self, email, sink):
        send(email)

        assert services.requeue(email_ids=[email.pk], now=NOW) == []
        assert OutgoingEmail.objects.get().state == "sent"
