from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.utils import timezone

from core.testing.database_state import table_digests
from tasks.items import services as items
from tasks.models import Reminder, Task
from tasks.reminders import services
from tasks.reminders.sending import send_due
from tasks.tests.factories import TaskFactory

URL = "/api/v1/tasks/OPS-1/reminders/"
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def due(project):
    return TaskFactory(project=project, title="Pay rent", due_at=datetime(2090, 5, 4, 12, 0, tzinfo=UTC))


def test_reminders_are_added_listed_and_deleted_by_their_user(clients, due, viewer):
    bodies = [
        {"at": "2090-05-01T09:00:00+02:00"},
        {"minutes_before": 1440},
        {"days_before": 0, "time": "09:00"},
        {"days_before": 1, "time": "18:30"},
        {"minutes_before": 0},
        {"minutes_before": 90},
    ]
    added = [clients["viewer"].post(URL, body) for body in bodies]
    listed = clients["viewer"].get(URL).json()["results"]
    others = clients["bob"].get(URL).json()["results"]
    foreign = clients["bob"].delete(f"{URL}{listed[0]['id']}/")
    deleted = clients["viewer"].delete(f"{URL}{listed[0]['id']}/")

    assert [response.status_code for response in added] == [201] * 6
    assert [(reminder["description"], reminder["fires_at"]) for reminder in listed] == [
        ("1 May 2090, 07:00", "2090-05-01T07:00:00Z"),
        ("1 day before it's due", "2090-05-03T12:00:00Z"),
        ("At 09:00 on the due day", "2090-05-04T09:00:00Z"),
        ("At 18:30 on the day before", "2090-05-03T18:30:00Z"),
        ("When it's due", "2090-05-04T12:00:00Z"),
        ("90 minutes before it's due", "2090-05-04T10:30:00Z"),
    ]
    assert others == []
    assert (foreign.status_code, deleted.status_code, Reminder.objects.count()) == (404, 204, 5)


def test_reminder_refusal_names_field_and_changes_nothing(clients, due, db_subtest):
    client = clients["bob"]
    for minutes in range(1, 10):
        client.post(URL, {"minutes_before": minutes})
    undated = TaskFactory(project=due.project)
    cases = [
        (URL, {}, "at", "one_kind"),
        (URL, {"minutes_before": 5, "at": "2090-05-01T09:00:00Z"}, "at", "one_kind"),
        (URL, {"days_before": 1}, "at", "one_kind"),
        (URL, {"time": "09:00"}, "at", "one_kind"),
        (URL, {"time": "09:00:30", "days_before": 1}, "time", "invalid"),
        (URL, {"at": "2020-05-01T09:00:00Z"}, "at", "past"),
        (URL, {"at": "2090-05-01T09:00:00"}, "at", "invalid"),
        (URL, {"minutes_before": 525_601}, "minutes_before", "max_value"),
        (URL, {"minutes_before": -1}, "minutes_before", "min_value"),
        (URL, {"days_before": 366, "time": "09:00"}, "days_before", "max_value"),
        (URL, {"minutes_before": 5}, "minutes_before", "taken"),
        (f"/api/v1/tasks/{undated.key}/reminders/", {"minutes_before": 5}, "minutes_before", "no_due_date"),
    ]
    before = table_digests()
    for url, body, field, code in cases:
        with db_subtest(str(body)):
            response = client.post(url, body)

            assert response.status_code == 400, response.json()
            [error] = response.json()["errors"]
            assert (error["field"], error["code"]) == (field, code)
            assert table_digests() == before
    client.post(URL, {"minutes_before": 10})
    response = client.post(URL, {"minutes_before": 11})
    assert response.json()["errors"][0]["code"] == "too_many"
    assert Reminder.objects.count() == 10


def test_reminder_is_sent_once(project, bob, outbox):
    task = TaskFactory(project=project, due_at=NOW + timedelta(hours=2))
    services.add(actor=bob, ref=task.key, minutes_before=60, now=NOW)

    counts = [send_due(now=NOW + timedelta(minutes=minutes)) for minutes in (59, 60, 61)]

    assert counts == [0, 1, 0]
    event = outbox.only("task.reminder_due")
    assert (event["user_id"], event["task"]["id"], event["actor"]) == (str(bob.pk), str(task.pk), None)


def test_reminder_of_closed_task_or_archived_project_passes(project, bob, outbox):
    task = TaskFactory(project=project, due_at=NOW + timedelta(hours=2))
    services.add(actor=bob, ref=task.key, minutes_before=60, now=NOW)
    items.update(actor=bob, ref=task.key, changes={"status": "done"}, now=NOW)

    closed = send_due(now=NOW + timedelta(hours=1))
    items.update(actor=bob, ref=task.key, changes={"status": "todo"}, now=NOW)
    reopened = send_due(now=NOW + timedelta(hours=2))

    assert (closed, reopened, outbox.names().count("task.reminder_due")) == (0, 0, 0)


def test_moved_due_date_moves_reminder(project, bob, outbox):
    # By the real clock: the database notes when the due date was moved.
    now = timezone.now()
    task = TaskFactory(project=project, due_at=now + timedelta(hours=2))
    services.add(actor=bob, ref=task.key, minutes_before=60, now=now)
    services.add(actor=bob, ref=task.key, at=now + timedelta(minutes=10), now=now)
    sent = send_due(now=now + timedelta(minutes=61))

    items.update(actor=bob, ref=task.key, changes={"due_at": now + timedelta(hours=9)}, now=now)
    counts = [send_due(now=now + timedelta(minutes=minutes)) for minutes in (62, 8 * 60 - 1, 8 * 60)]
    # A due date so near that the reminder lies in the past.
    items.update(actor=bob, ref=task.key, changes={"due_at": now + timedelta(minutes=5)}, now=now)
    late = send_due(now=now + timedelta(hours=9))

    assert (sent, counts, late) == (2, [0, 0, 1], 0)


def test_removed_due_date_silences_reminder(project, bob):
    task = TaskFactory(project=project, due_date=date(2090, 5, 4))
    services.add(actor=bob, ref=task.key, days_before=1, time=time(9), now=NOW)
    Task.objects.update(due_date=None)

    counts = [send_due(now=datetime(2090, 5, day, tzinfo=UTC)) for day in (4, 5)]

    assert (counts, Reminder.objects.get().fires_at) == ([0, 0], None)


def test_reminder_follows_time_zone_of_user(project, bob, clients, outbox):
    task = TaskFactory(project=project, due_date=date(2090, 5, 4))
    services.add(actor=bob, ref=task.key, days_before=0, time=time(9), now=NOW)
    services.add(actor=bob, ref=task.key, minutes_before=1440, now=NOW)
    clients["bob"].patch("/api/v1/me/", {"time_zone": "Asia/Tokyo", "reminder_time": "07:00"})
    with outbox.delivering():
        pass

    send_due(now=NOW)

    assert sorted(Reminder.objects.values_list("fires_at", flat=True)) == [
        datetime(2090, 5, 2, 22, 0, tzinfo=UTC),
        datetime(2090, 5, 4, 0, 0, tzinfo=UTC),
    ]


def test_reminder_is_copied_to_next_task(project, bob, clients):
    task = TaskFactory(project=project, due_date=date(2090, 5, 1))
    clients["bob"].put(f"/api/v1/tasks/{task.key}/recurrence/", {"rule": "FREQ=WEEKLY"})
    services.add(actor=bob, ref=task.key, days_before=1, time=time(9), now=NOW)
    services.add(actor=bob, ref=task.key, at=datetime(2090, 4, 1, tzinfo=UTC), now=NOW)

    clients["bob"].patch(f"/api/v1/tasks/{task.key}/", {"status": "done"})
    send_due(now=NOW)

    [copied] = Reminder.objects.exclude(task=task)
    assert (copied.user_id, copied.fires_at) == (bob.pk, datetime(2090, 5, 7, 9, 0, tzinfo=UTC))
