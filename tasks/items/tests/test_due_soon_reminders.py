from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from accounts.models import User
from tasks.items.reminders import publish_due_soon
from tasks.models import Task
from tasks.tests.factories import AssigneeFactory, TaskFactory

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def assigned(project, bob):
    def make(**fields):
        task = TaskFactory(project=project, **fields)
        AssigneeFactory(task=task, user=bob)
        return task

    return make


def test_reminder_is_published_once_for_a_due_task(assigned, bob, outbox):
    task = assigned(due_at=NOW + timedelta(hours=23))

    counts = [publish_due_soon(now=NOW), publish_due_soon(now=NOW + timedelta(minutes=1))]

    event = outbox.only("task.due_soon")
    assert counts == [1, 0]
    assert (event["task"]["id"], event["task"]["assignee_ids"]) == (str(task.pk), [str(bob.pk)])
    assert (event["due"], event["actor"]) == ("2026-05-05T11:00:00Z", None)


def test_reminder_names_the_due_date(assigned, bob, outbox):
    assigned(due_date=date(2026, 5, 4))

    publish_due_soon(now=NOW)

    event = outbox.only("task.due_soon")
    assert (event["due"], event["user_ids"]) == ("2026-05-04", [str(bob.pk)])


@pytest.mark.parametrize(
    ("zone", "clock", "reminded_at"),
    [
        ("UTC", time(9), datetime(2026, 5, 4, 9, 0, tzinfo=UTC)),
        ("Pacific/Auckland", time(9), datetime(2026, 5, 3, 21, 0, tzinfo=UTC)),
        ("America/Los_Angeles", time(9), datetime(2026, 5, 4, 16, 0, tzinfo=UTC)),
        ("Asia/Kolkata", time(7, 30), datetime(2026, 5, 4, 2, 0, tzinfo=UTC)),
        ("Pacific/Kiritimati", time(0, 0), datetime(2026, 5, 3, 10, 0, tzinfo=UTC)),
        ("Etc/GMT+12", time(23, 59), datetime(2026, 5, 5, 11, 59, tzinfo=UTC)),
        ("Mars/Base", time(9), datetime(2026, 5, 4, 9, 0, tzinfo=UTC)),
    ],
)
def test_reminder_of_day_comes_at_time_of_assignee(zone, clock, reminded_at, assigned, bob, outbox):
    User.objects.filter(pk=bob.pk).update(time_zone=zone, reminder_time=clock)
    assigned(due_date=date(2026, 5, 4))

    counts = [publish_due_soon(now=reminded_at + timedelta(minutes=minutes)) for minutes in (-1, 0, 1)]

    assert counts == [0, 1, 0]


@pytest.mark.parametrize(
    ("day", "reminded_at"),
    [
        # 02:30 does not exist on 29 March and comes twice on 25 October.
        (date(2026, 3, 29), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (date(2026, 10, 25), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_reminder_comes_once_when_clocks_change(day, reminded_at, assigned, bob, outbox):
    User.objects.filter(pk=bob.pk).update(time_zone="Europe/Berlin", reminder_time=time(2, 30))
    assigned(due_date=day)

    counts = [publish_due_soon(now=reminded_at + timedelta(minutes=minutes)) for minutes in (-1, 0, 60, 120)]

    assert counts == [0, 1, 0, 0]


def test_reminder_comes_to_each_assignee_at_their_time(assigned, bob, alice, outbox):
    User.objects.filter(pk=alice.pk).update(time_zone="America/New_York")
    task = assigned(due_date=date(2026, 5, 4))
    AssigneeFactory(task=task, user=alice)

    for hour in (9, 13):
        publish_due_soon(now=datetime(2026, 5, 4, hour, tzinfo=UTC))

    assert [event["user_ids"] for event in outbox.payloads("task.due_soon")] == [[str(bob.pk)], [str(alice.pk)]]


def test_moved_due_date_is_reminded_again(assigned, outbox):
    assigned(due_date=date(2026, 5, 4))
    publish_due_soon(now=NOW)

    Task.objects.update(due_date=date(2026, 5, 5))
    publish_due_soon(now=NOW + timedelta(days=1))

    assert [event["due"] for event in outbox.payloads("task.due_soon")] == ["2026-05-04", "2026-05-05"]


def test_moved_due_moment_is_published_again(assigned, outbox):
    task = assigned(due_at=NOW + timedelta(hours=2))
    publish_due_soon(now=NOW)

    Task.objects.filter(pk=task.pk).update(due_at=NOW + timedelta(hours=3))
    publish_due_soon(now=NOW)

    assert [event["due"] for event in outbox.payloads("task.due_soon")] == [
        "2026-05-04T14:00:00Z",
        "2026-05-04T15:00:00Z",
    ]


def test_scheduler_catches_up_after_an_outage(assigned, outbox):
    assigned(due_at=NOW + timedelta(hours=2))

    assert publish_due_soon(now=NOW + timedelta(hours=1, minutes=59)) == 1


def test_unimportant_text_is_left_unchanged(assigned, project, outbox):
    assigned(due_at=NOW + timedelta(hours=25))
    assigned(due_at=NOW - timedelta(minutes=1))
    assigned(due_date=date(2026, 5, 5))
    assigned()
    assigned(due_at=NOW + timedelta(hours=1), state=project.states.get(slug="done"), closed_at=NOW)
    TaskFactory(project=project, due_at=NOW + timedelta(hours=1))

    assert publish_due_soon(now=NOW) == 0
    assert outbox.names() == []


def test_telling_changes_no_version(assigned):
    assigned(due_at=NOW + timedelta(hours=1))

    publish_due_soon(now=NOW)

    assert Task.objects.get().version == 1
