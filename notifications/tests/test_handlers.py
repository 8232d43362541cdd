"""From a domain event to the message at the mail server: handler, rows, job, SMTP."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest

from accounts.tests.factories import UserFactory
from notifications import notify
from notifications.inbox import selectors as inbox_selectors
from notifications.kinds import Channel, Kind
from notifications.models import Notification, OutgoingEmail
from notifications.preferences import services as preferences
from notifications.tests.factories import NOW, make_event
from tasks.tests.factories import AssigneeFactory, ProjectFactory, TaskFactory, TaskWatchFactory

pytestmark = pytest.mark.django_db


def notified() -> set[tuple[str, str]]:
    return set(Notification.objects.values_list("recipient__name", "kind"))


def test_assignment_is_notified_in_the_inbox_and_by_email(alice, bob, task, sink, deliver):
    event = make_event("task.assigned", task, actor=alice, assignee_id=bob)

    deliver(event)

    notification = Notification.objects.get()
    assert notification.recipient == bob
    assert notification.kind == Kind.ASSIGNED
    assert notification.title == "Alice assigned OPS-42 to you"
    assert notification.url == "/tasks/OPS-42/"
    assert notification.read_at is None
    assert sink.only()["To"] == "bob@example.com"
    assert sink.only()["Subject"] == "[OPS-42] Alice assigned this to you: Fix the printer"
    assert OutgoingEmail.objects.get().state == "sent"


def test_email_has_text_html_and_automation_headers(alice, bob, task, sink, deliver):
    event = make_event("task.assigned", task, actor=alice, assignee_id=bob)

    deliver(event)

    message = sink.only()
    assert message["Message-ID"] == OutgoingEmail.objects.get().message_id
    assert message["Message-ID"].endswith("@taskflow.localhost>")
    assert message["References"] == f"<task.{task.pk}@taskflow.localhost>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] == "<http://127.0.0.1:8000/settings/notifications/>"
    text = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    for part in (text, html):
        assert "Alice assigned OPS-42 to you" in part
        assert "http://127.0.0.1:8000/tasks/OPS-42/" in part
        assert "You're receiving this because the task was assigned to you." in unescape(part)


def test_comment_notifies_mentioned_users_and_the_audience(alice, bob, carol, task, sink, deliver):
    event = make_event(
        "task.commented",
        task,
        actor=carol,
        comment_id="c",
        excerpt="@bob the vendor comes\non Tuesday",
        mentioned_ids=[bob],
        audience_ids=[alice, bob],
    )

    deliver(event)

    assert notified() == {("Bob", "mentioned"), ("Alice", "commented")}
    subjects = {message["To"]: message["Subject"] for message in sink.messages}
    assert subjects == {
        "bob@example.com": "[OPS-42] Carol mentioned you: Fix the printer",
        "alice@example.com": "[OPS-42] Carol commented: Fix the printer",
    }
    for message in sink.messages:
        assert "@bob the vendor comes\non Tuesday" in message.get_body(("plain",)).get_content().replace("\r\n", "\n")


def test_completion_notifies_watchers(alice, bob, carol, task, sink, deliver):
    AssigneeFactory(task=task, user=bob)
    TaskWatchFactory(task=task, user=carol, is_watching=False)

    deliver(make_event("task.completed", task, actor=alice))

    assert ("Bob", "completed") in notified()
    assert not {name for name, _ in notified()} & {"Alice", "Carol"}
    assert "[OPS-42] Alice completed: Fix the printer" in {message["Subject"] for message in sink.messages}


def test_due_soon_notifies_assignees_in_their_time_zone(alice, project, sink, deliver):
    bob = project.members.get(handle="bob")
    bob.time_zone = "Europe/Berlin"
    bob.save()
    task = TaskFactory(project=project, number=43, title="Fix the printer", due_at=NOW.replace(hour=16))
    event = make_event("task.due_soon", task, actor=None, assignees=(bob,), due="2026-03-02T16:00:00Z")

    deliver(event)

    assert notified() == {("Bob", "due_soon")}
    assert sink.only()["Subject"] == "[OPS-43] Due Mon 2 Mar 2026, 17:00 CET: Fix the printer"
    assert Notification.objects.get().title == "OPS-43 is due soon"


def test_due_soon_without_assignees_notifies_the_creator(alice, task, sink, deliver):
    deliver(make_event("task.due_soon", task, actor=None, due="2026-03-02T16:00:00Z"))

    assert notified() == {("Alice", "due_soon")}


def test_actor_is_not_notified_of_own_action(alice, bob, task, sink, deliver):
    deliver(make_event("task.assigned", task, actor=bob, assignee_id=bob))
    deliver(
        make_event(
            "task.commented",
            task,
            actor=bob,
            comment_id="c",
            excerpt="@bob note to self",
            mentioned_ids=[bob],
            audience_ids=[bob],
        )
    )

    assert notified() == set()
    assert sink.messages == []


def test_user_without_access_is_not_notified(alice, mallory, task, sink, deliver):
    deliver(make_event("task.assigned", task, actor=alice, assignee_id=mallory))

    assert notified() == set()
    assert sink.messages == []


def test_inactive_user_is_not_notified(alice, bob, task, sink, deliver):
    bob.is_active = False
    bob.save()

    deliver(make_event("task.assigned", task, actor=alice, assignee_id=bob))

    assert notified() == set()


def test_user_without_access_to_the_new_project_is_not_notified(alice, bob, task, sink, deliver):
    event = make_event("task.assigned", task, actor=alice, assignee_id=bob)
    secret = ProjectFactory(key="SEC", owner=alice)
    task.project, task.state = secret, secret.states.get(slug="todo")
    task.save()

    deliver(event)

    assert notified() == set()


def test_deleted_task_notifies_nobody(alice, bob, task, sink, deliver):
    event = make_event("task.assigned", task, actor=alice, assignee_id=bob)
    task.delete()

    deliver(event)

    assert notified() == set()


def test_event_delivered_twice_notifies_once(alice, bob, task, sink, deliver):
    event = make_event("task.assigned", task, actor=alice, assignee_id=bob)

    deliver(event)
    deliver(event)

    assert Notification.objects.count() == 1
    assert len(sink.messages) == 1


@pytest.mark.parametrize(
    ("turned_off", "in_inbox", "emails"),
    [((), 1, 1), (("email",), 1, 0), (("inbox",), 0, 1), (("inbox", "email"), 0, 0)],
)
def test_channel_turned_off_is_not_used(turned_off, in_inbox, emails, alice, bob, task, sink, deliver):
    changes = {Kind.ASSIGNED: {Channel(channel): False for channel in turned_off}}
    preferences.set_preferences(actor=bob, changes=changes)

    deliver(make_event("task.assigned", task, actor=alice, assignee_id=bob))

    assert inbox_selectors.filter_inbox(bob).count() == in_inbox
    assert len(sink.messages) == emails


def test_kind_turned_off_leaves_other_kinds_on(alice, bob, task, sink, deliver):
    preferences.set_preferences(actor=bob, changes={Kind.MENTIONED: {Channel.EMAIL: False}})

    deliver(make_event("task.assigned", task, actor=alice, assignee_id=bob))

    assert len(sink.messages) == 1


def test_notify_queries_do_not_grow_with_recipients(
    alice, bob, carol, project, task, deliver, settings, django_assert_max_num_queries
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    viewers = UserFactory.create_batch(8, role="staff")
    comment = {"comment_id": "c", "excerpt": "Hello", "mentioned_ids": [], "actor": alice}
    small = make_event("task.commented", task, audience_ids=[bob, carol], **comment)
    large = make_event("task.commented", task, audience_ids=[bob, carol, *viewers], **comment)

    with django_assert_max_num_queries(13):
        notify.notify(event=small, kind=Kind.COMMENTED, user_ids=small.payload["audience_ids"])
    # Two more: some recipients have an email that waits, which is locked and takes the notification.
    with django_assert_max_num_queries(15):
        notify.notify(event=large, kind=Kind.COMMENTED, user_ids=large.payload["audience_ids"])

    assert Notification.objects.filter(event_id=large.pk).count() == 10


def test_emails_to_one_recipient_are_limited(alice, bob, carol, task, sink, deliver, settings):
    settings.NOTIFICATION_EMAILS_PER_HOUR, settings.NOTIFICATION_BATCH_WINDOW = 3, timedelta()
    for number in range(8):
        deliver(make_event("task.assigned", task, actor=alice, assignee_id=bob, number=number))
    deliver(make_event("task.assigned", task, actor=alice, assignee_id=carol))

    assert [message["To"] for message in sink.messages] == ["bob@example.com"] * 3 + ["carol@example.com"]
    assert Notification.objects.filter(recipient=bob, in_inbox=True).count() == 8
