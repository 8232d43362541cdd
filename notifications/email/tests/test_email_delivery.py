"""Sending: claimed once, retried with patience, given up aloud, and never under another Message-ID."""

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
    services.deliver(email_id=email.pk, now=now)
    return OutgoingEmail.objects.get(pk=email.pk)


def test_marks_what_was_sent(email, sink):
    found = send(email)

    assert sink.only()["Message-ID"] == email.message_id
    assert (found.state, found.attempts, found.sent_at, found.claimed_at) == ("sent", 1, NOW, None)


@pytest.mark.parametrize("state", ["sent", "dead"])
def test_sends_nothing_that_is_finished(state, email, sink):
    OutgoingEmail.objects.update(state=state, sent_at=NOW if state == "sent" else None)

    found = send(email)

    assert sink.messages == []
    assert (found.state, found.attempts) == (state, 0)


def test_knows_nothing_of_a_row_that_is_gone(email, sink):
    OutgoingEmail.objects.all().delete()

    services.deliver(email_id=email.pk, now=NOW)

    assert sink.messages == []


@pytest.mark.parametrize(
    ("where", "answer"), [("refuse_recipient", "451 Try later"), ("refuse_message", "452 Disk full")]
)
def test_tries_again_later_when_the_server_says_later(where, answer, email, sink):
    setattr(sink, where, answer)

    found = send(email)

    assert (found.state, found.attempts, found.claimed_at, found.sent_at) == ("queued", 1, None, None)
    assert timedelta(seconds=3) < found.next_attempt_at - NOW <= timedelta(seconds=5)
    assert answer[:3] in found.last_error


def test_tries_again_later_when_there_is_no_server(email, sink, settings):
    settings.EMAIL_PORT = free_port()

    found = send(email)

    assert (found.state, found.attempts) == ("queued", 1)
    assert "ConnectionRefusedError" in found.last_error


def test_arrives_once_the_server_is_back(email, sink):
    sink.refuse_message = "451 Busy"
    later = send(email).next_attempt_at
    sink.refuse_message = ""

    found = send(email, now=later)

    assert sink.only()["Message-ID"] == email.message_id
    assert (found.state, found.attempts, found.last_error) == ("sent", 2, "")


@pytest.mark.parametrize(
    ("where", "answer"), [("refuse_recipient", "550 No such person"), ("refuse_message", "554 Looks like spam")]
)
def test_gives_up_at_once_what_is_refused_for_good(where, answer, email, sink):
    setattr(sink, where, answer)

    found = send(email)

    assert (found.state, found.attempts, found.claimed_at) == ("dead", 1, None)
    assert answer[:3] in found.last_error


def test_gives_up_after_the_last_attempt(email, sink):
    sink.refuse_message = "451 Busy"

    states = [send(email).state for _ in range(MAX_ATTEMPTS)]

    assert states == ["queued"] * (MAX_ATTEMPTS - 1) + ["dead"]


def test_waits_longer_each_time_but_never_more_than_four_hours():
    longest = [5, 20, 80, 320, 1280, 5120, 14400, 14400]

    for attempts, seconds in enumerate(longest, start=1):
        assert timedelta(seconds=seconds * 0.75) <= retry_delay(attempts) <= timedelta(seconds=seconds)


def test_leaves_alone_what_another_sender_holds(email, sink):
    OutgoingEmail.objects.update(state="sending", claimed_at=NOW - timedelta(seconds=60), attempts=1)

    found = send(email)

    assert sink.messages == []
    assert (found.state, found.attempts) == ("sending", 1)


def test_repeats_under_the_same_message_id_what_a_dead_sender_may_have_sent(email, sink):
    send(email)
    OutgoingEmail.objects.update(state="sending", sent_at=None, claimed_at=NOW - timedelta(seconds=61))

    found = send(email)

    assert [message["Message-ID"] for message in sink.messages] == [email.message_id] * 2
    assert (found.state, found.attempts) == ("sent", 2)


def test_gives_up_what_kills_every_sender(email, sink):
    OutgoingEmail.objects.update(state="sending", claimed_at=NOW - timedelta(seconds=61), attempts=MAX_ATTEMPTS)

    found = send(email)

    assert sink.messages == []
    assert found.state == "dead"


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_one_message(email, sink):
    sink.delay = 0.3
    together = Barrier(8)

    def race(_: int) -> None:
        together.wait()
        services.deliver(email_id=email.pk, now=NOW)
        connection.close()

    with ThreadPoolExecutor(8) as senders:
        list(senders.map(race, range(8)))

    assert len(sink.messages) == 1
    assert OutgoingEmail.objects.get().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_is_claimed_where_others_can_see_it_before_anything_is_sent(email, sink):
    sink.delay = 0.5

    def sender() -> None:
        services.deliver(email_id=email.pk, now=NOW)
        connection.close()

    with ThreadPoolExecutor(1) as senders:
        sending = senders.submit(sender)
        seen = {OutgoingEmail.objects.get().state for _ in iter(sending.done, True)}

    assert "sending" in seen
    assert OutgoingEmail.objects.get().state == "sent"


class TestSendingAgain:
    def test_queues_what_was_given_up_with_all_attempts_before_it(self, email, sink):
        sink.refuse_recipient = "550 No such person"
        send(email)
        sink.refuse_recipient = ""

        assert services.requeue(email_ids=[email.pk], now=NOW) == [email.pk]

        found = send(email)
        assert sink.only()["Message-ID"] == email.message_id
        assert (found.state, found.attempts) == ("sent", 1)

    def test_leaves_what_was_sent(self, email, sink):
        send(email)

        assert services.requeue(email_ids=[email.pk], now=NOW) == []
        assert OutgoingEmail.objects.get().state == "sent"
