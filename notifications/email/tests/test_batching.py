"""Emails of a burst: the first at once, the rest in one message, within limits for recipient and sender."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.db import connection, transaction

from notifications import jobs, notify
from notifications.email import services
from notifications.kinds import Kind
from notifications.models import Notification, OutgoingEmail
from notifications.tests.factories import NOW, make_event
from tasks.tests.factories import TaskFactory

pytestmark = pytest.mark.django_db
WINDOW = timedelta(seconds=120)


@pytest.fixture
def other_task(project):
    return TaskFactory(project=project, number=43, title="Buy paper")


def assign(deliver, task, actor, assignee, at=NOW, **payload):
    with time_machine.travel(at, tick=False):
        deliver(make_event("task.assigned", task, actor=actor, assignee_id=assignee, **payload))


def sweep(at):
    with time_machine.travel(at, tick=False):
        jobs.sweep_emails()


def test_burst_is_one_email_after_the_first(alice, bob, task, other_task, sink, deliver):
    for seconds in (0, 1, 30):
        assign(deliver, task, alice, bob, NOW + timedelta(seconds=seconds))
    assign(
        deliver,
        other_task,
        alice,
        bob,
        NOW + timedelta(seconds=60),
        excerpt="Buy it **today**, see [shop](https://s.io)",
    )
    sweep(NOW + timedelta(seconds=119))
    assert [message["Subject"] for message in sink.messages] == ["[OPS-42] Alice assigned this to you: Fix the printer"]

    sweep(NOW + WINDOW)
    sweep(NOW + WINDOW + timedelta(seconds=60))

    assert len(sink.messages) == 2
    message = sink.messages[1]
    assert message["Subject"] == "3 notifications: OPS-42, OPS-43"
    assert message["References"] is None
    text, html = (message.get_body((subtype,)).get_content().replace("\r\n", "\n") for subtype in ("plain", "html"))
    for part in (text, html):
        assert part.count("Alice assigned OPS-42 to you") == 2
        assert part.count("Alice assigned OPS-43 to you") == part.count("Buy paper") == 1
        assert "http://127.0.0.1:8000/tasks/OPS-43/" in part
        assert "**" not in part
    assert "Buy it today, see shop" in text
    assert "<strong>today</strong>" in html
    # After the batch the time is not quiet yet; two minutes after it, it is.
    assign(deliver, task, alice, bob, NOW + WINDOW * 1.5)
    assert len(sink.messages) == 2
    sweep(NOW + WINDOW * 2)
    assert sink.messages[2]["Subject"] == "[OPS-42] Alice assigned this to you: Fix the printer"
    assign(deliver, task, alice, bob, NOW + WINDOW * 3 + timedelta(seconds=1))
    assert len(sink.messages) == 4
    assert len({message["Message-ID"] for message in sink.messages}) == 4


def test_batch_about_one_task_stays_in_its_thread(alice, bob, task, sink, deliver):
    for _ in range(3):
        assign(deliver, task, alice, bob)
    sweep(NOW + WINDOW)

    assert sink.messages[1]["Subject"] == "[OPS-42] 2 notifications: Fix the printer"
    assert sink.messages[1]["References"] == f"<task.{task.pk}@taskflow.localhost>"


def test_repeated_event_is_batched_once(alice, bob, task, sink, deliver):
    events = [make_event("task.assigned", task, actor=alice, assignee_id=bob) for _ in range(4)]
    with time_machine.travel(NOW, tick=False):
        for event in [*events, *events]:
            deliver(event)
    sweep(NOW + WINDOW)
    sweep(NOW + WINDOW * 3)

    assert len(sink.messages) == 2
    assert sink.messages[1]["Subject"].startswith("[OPS-42] 3 notifications")
    assert Notification.objects.count() == 4


def test_failed_batch_keeps_its_content_and_id(alice, bob, task, sink, deliver):
    for _ in range(3):
        assign(deliver, task, alice, bob)
    sink.refuse_message = "451 Busy"
    sweep(NOW + WINDOW)
    waiting = OutgoingEmail.objects.get(state="queued")
    assign(deliver, task, alice, bob, NOW + WINDOW)
    sink.refuse_message = ""
    sweep(NOW + WINDOW + timedelta(seconds=31))

    assert sink.messages[1]["Message-ID"] == waiting.message_id
    assert "2 notifications" in sink.messages[1]["Subject"]
    # What came after the first attempt is another email.
    assert OutgoingEmail.objects.get(state="queued").scheduled_at == NOW + WINDOW * 2


def test_batch_leaves_out_what_is_no_longer_visible(alice, bob, task, other_task, sink, deliver):
    for one in (task, task, other_task, other_task):
        assign(deliver, one, alice, bob)
    other_task.delete()
    sweep(NOW + WINDOW)
    assert "OPS-43" not in str(sink.messages[1])
    assign(deliver, task, alice, bob, NOW + WINDOW)
    assign(deliver, task, alice, bob, NOW + WINDOW)
    task.delete()
    sweep(NOW + WINDOW * 2)

    assert len(sink.messages) == 2
    assert OutgoingEmail.objects.filter(state="withdrawn").count() == 1


def test_long_batch_lists_fifty_and_counts_the_rest(alice, bob, task, sink, deliver):
    for _ in range(services.MAX_LISTED + 11):
        assign(deliver, task, alice, bob)
    sweep(NOW + WINDOW)

    assert sink.messages[1]["Subject"].startswith("[OPS-42] 60 notifications")
    text = sink.messages[1].get_body(("plain",)).get_content()
    assert text.count("- Alice assigned") == services.MAX_LISTED
    assert "10 more are in your inbox." in text


def test_emails_caused_by_one_sender_are_limited(alice, bob, carol, project, task, sink, deliver, settings):
    settings.NOTIFICATION_EMAILS_PER_UNVERIFIED_SENDER = 1
    settings.NOTIFICATION_EMAILS_PER_SENDER = 3
    settings.NOTIFICATION_BATCH_WINDOW = timedelta()
    for _ in range(3):
        assign(deliver, task, bob, alice)
    assert len(sink.messages) == 1
    EmailAddress.objects.create(user=bob, email=bob.email, verified=True, primary=True)
    for recipient in (alice, carol, alice, carol):
        assign(deliver, task, bob, recipient)

    assert len(sink.messages) == 3
    assert Notification.objects.filter(in_inbox=True).count() == 7
    assign(deliver, task, carol, alice)
    assert len(sink.messages) == 4
    assign(deliver, task, bob, alice, NOW + timedelta(hours=1, seconds=1))
    assert len(sink.messages) == 5


@pytest.mark.django_db(transaction=True)
def test_concurrent_events_are_two_emails(alice, bob, task, sink):
    """Eight workers handle an event each; a ninth claims the batch meanwhile. Each notification is in one message."""
    events = [make_event("task.assigned", task, actor=alice, assignee_id=bob) for _ in range(8)]
    barrier = Barrier(9)

    def handle(event):
        barrier.wait()
        with transaction.atomic():
            notify.notify(event=event, kind=Kind.ASSIGNED, user_ids=[str(bob.pk)])
        connection.close()

    def claim():
        barrier.wait()
        for _ in range(20):
            for email_id in OutgoingEmail.objects.queued().values_list("pk", flat=True):
                services.send(email_id=email_id, now=NOW)
        connection.close()

    with ThreadPoolExecutor(9) as workers:
        list(workers.map(lambda call: call(), [*(lambda event=event: handle(event) for event in events), claim]))
    for email_id in OutgoingEmail.objects.queued().values_list("pk", flat=True):
        services.send(email_id=email_id, now=NOW)

    texts = [message.get_body(("plain",)).get_content() for message in sink.messages]
    assert sum(max(1, text.count("- Alice assigned")) for text in texts) == 8
    assert len({message["Message-ID"] for message in sink.messages}) == len(sink.messages)
    assert Notification.objects.filter(email=None, batch_email=None).count() == 0
