"""Series with the features around them: undo, trash, privacy and notifications."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import User
from core.testing.database_state import table_digests
from notifications.models import Notification, OutgoingEmail
from tasks.models import Occurrence, ProjectMember, Recurrence, Reminder, Task, TrashEntry
from tasks.recurrence.advancing import advance_missed
from tasks.reminders import services as reminders
from tasks.reminders.sending import send_due
from tasks.tests.factories import RecurrenceFactory, TaskFactory
from tasks.undo.tokens import HEADER

TASK_URL = "/api/v1/tasks/OPS-1/"
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SERIES_TABLES = ("tasks_recurrence", "tasks_occurrence", "tasks_reminder")

pytestmark = pytest.mark.django_db


@pytest.fixture
def daily(project):
    task = TaskFactory(project=project, due_date=date(2090, 5, 1))
    RecurrenceFactory(task=task)
    return task


def series_rows():
    return {name: digest for name, digest in table_digests().items() if name in SERIES_TABLES}


def test_undone_completion_takes_back_the_next_task(clients, daily):
    before = series_rows()
    done = clients["bob"].patch(TASK_URL, {"status": "done"})
    undone = clients["bob"].post("/api/v1/undo/", {"token": done[HEADER]})
    after = series_rows()
    again = clients["bob"].post("/api/v1/undo/", {"token": undone[HEADER]})

    assert (done.status_code, undone.status_code, again.status_code) == (200, 200, 200)
    assert after["tasks_occurrence"] == before["tasks_occurrence"]
    assert Recurrence.objects.get().number == 2
    assert list(Task.objects.order_by("number").values_list("number", "category", "is_recurring")) == [
        (1, "done", False),
        (3, "todo", True),
    ]
    assert TrashEntry.objects.get().title.endswith(daily.title)


def test_undone_completion_keeps_a_next_task_with_work(clients, daily):
    done = clients["bob"].patch(TASK_URL, {"status": "done"})
    clients["alice"].post("/api/v1/tasks/OPS-2/comments/", {"body": "On it."})

    undone = clients["bob"].post("/api/v1/undo/", {"token": done[HEADER]})

    assert undone.status_code == 200
    assert list(Task.objects.order_by("number").values_list("number", "category", "is_recurring")) == [
        (1, "todo", False),
        (2, "todo", True),
    ]


def test_deleted_series_comes_back_from_the_trash(clients, daily, bob):
    clients["bob"].patch(TASK_URL, {"status": "done"})
    reminders.add(actor=bob, ref="OPS-2", minutes_before=60, now=NOW)
    before = series_rows()
    deleted = clients["bob"].delete("/api/v1/tasks/OPS-2/")
    gone = (Recurrence.objects.count(), Occurrence.objects.count(), Reminder.objects.count())

    restored = clients["bob"].post("/api/v1/undo/", {"token": deleted[HEADER]})

    assert (gone, restored.status_code) == ((0, 0, 0), 200)
    assert series_rows() == before
    assert clients["bob"].get("/api/v1/tasks/OPS-2/recurrence/").json()["number"] == 2


def test_reminder_reaches_inbox_and_mailbox(project, bob, outbox, settings):
    task = TaskFactory(project=project, title="Pay rent", due_at=NOW + timedelta(hours=2))
    reminders.add(actor=bob, ref=task.key, minutes_before=60, now=NOW)

    with outbox.delivering():
        send_due(now=NOW + timedelta(hours=1))

    notification = Notification.objects.get()
    assert (notification.recipient, notification.kind, notification.in_inbox) == (bob, "reminder", True)
    assert (notification.title, notification.task_title) == ("Reminder: OPS-1", "Pay rent")
    assert OutgoingEmail.objects.get().notification == notification


def test_reminder_without_access_reaches_nobody(project, bob, viewer, outbox):
    task = TaskFactory(project=project, due_at=NOW + timedelta(hours=2))
    for user in (bob, viewer):
        reminders.add(actor=user, ref=task.key, minutes_before=60, now=NOW)
    ProjectMember.objects.filter(user=viewer).delete()
    User.objects.filter(pk=bob.pk).update(is_active=False)

    with outbox.delivering():
        sent = send_due(now=NOW + timedelta(hours=1))

    assert (sent, Notification.objects.count()) == (2, 0)


def test_ruined_series_does_not_stop_the_others(project, daily):
    Recurrence.objects.update(rule="FREQ=NEVER", missed_at=NOW)
    RecurrenceFactory(task=TaskFactory(project=project, due_date=date(2026, 5, 1)), missed_at=NOW)

    assert advance_missed(now=NOW + timedelta(days=1)) == 1
    assert Recurrence.objects.filter(rule="FREQ=NEVER", number=1).exists()


def test_bulk_completion_repeats_each_task(clients, daily, project):
    RecurrenceFactory(task=TaskFactory(project=project, due_date=date(2090, 5, 9)))
    ids = [str(key) for key in Task.objects.values_list("pk", flat=True)]

    response = clients["bob"].patch("/api/v1/tasks/bulk/", {"ids": ids, "changes": {"status": "done"}})

    assert response.status_code == 200, response.json()
    rows = Task.objects.order_by("number").values_list("due_date", "category", "is_recurring")
    assert list(rows) == [
        (date(2090, 5, 1), "done", False),
        (date(2090, 5, 9), "done", False),
        (date(2090, 5, 2), "todo", True),
        (date(2090, 5, 10), "todo", True),
    ]


def test_task_says_whether_it_repeats(clients, daily):
    clients["bob"].patch(TASK_URL, {"status": "done"})

    listed = clients["bob"].get("/api/v1/tasks/?ordering=created_at&fields=key,is_recurring").json()["results"]

    assert listed == [{"key": "OPS-1", "is_recurring": False}, {"key": "OPS-2", "is_recurring": True}]
    assert clients["bob"].get("/api/v1/tasks/OPS-2/").json()["is_recurring"] is True
