from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

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


def test_reminder_for_due_date_names_end_of_day(assigned, outbox):
    assigned(due_date=date(2026, 5, 4))

    publish_due_soon(now=NOW)

    assert outbox.only("task.due_soon")["due"] == "2026-05-05T00:00:00Z"


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
