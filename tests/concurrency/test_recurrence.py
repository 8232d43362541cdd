"""Series and reminders with several users and schedulers at once, on real transactions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from core.errors import Invalid
from core.testing.concurrency import errors_of_type, interleave, run_concurrently
from tasks.items import ordering
from tasks.items import services as items
from tasks.models import Occurrence, Recurrence, Reminder, Task
from tasks.recurrence import services as recurrence
from tasks.recurrence.advancing import advance_missed
from tasks.reminders import services as reminders
from tasks.reminders.sending import send_due
from tasks.tests.factories import RecurrenceFactory, ReminderFactory, TaskFactory

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SCHEDULERS = 5


def close(actor, task):
    return items.update(actor=actor, ref=str(task.pk), changes={"status": "done"}, now=NOW)


@pytest.fixture
def daily(project):
    task = TaskFactory(project=project, due_date=date(2026, 5, 4))
    RecurrenceFactory(task=task, missed_at=datetime(2026, 5, 5, tzinfo=UTC))
    return task


def test_task_completed_by_two_is_repeated_once(alice, bob, daily, outbox):
    outcomes = run_concurrently([lambda: close(alice, daily), lambda: close(bob, daily)] * 3)

    assert errors_of_type(outcomes) == []
    assert sorted(Task.objects.values_list("due_date", flat=True)) == [date(2026, 5, 4), date(2026, 5, 5)]
    assert outbox.names().count("task.repeated") == 1


def test_missed_tasks_are_followed_once_by_many_schedulers(project, daily, outbox):
    for _ in range(9):
        RecurrenceFactory(task=TaskFactory(project=project, due_date=date(2026, 5, 4)), missed_at=NOW)

    outcomes = run_concurrently([lambda: advance_missed(now=NOW + timedelta(days=3))] * SCHEDULERS)
    # A series whose task another one held is left for the next run.
    outcomes.append(advance_missed(now=NOW + timedelta(days=3)))

    assert errors_of_type(outcomes) == []
    assert sum(outcomes) == outbox.names().count("task.repeated") == 10
    assert Task.objects.count() == Occurrence.objects.count() == 20
    assert set(Recurrence.objects.values_list("number", "occurs_on")) == {(2, date(2026, 5, 7))}


def test_completion_and_scheduler_create_one_task(alice, daily):
    later = NOW + timedelta(days=1)

    outcomes = interleave(lambda: close(alice, daily), lambda: advance_missed(now=later))

    assert errors_of_type(outcomes) == []
    assert (Task.objects.count(), Recurrence.objects.get().number) == (2, 2)


def test_completion_and_move_leave_one_next_task(alice, bob, project, daily):
    other = TaskFactory(project=project)

    def move():
        return ordering.move(actor=bob, ref=str(daily.pk), after=other.pk, now=NOW)

    for first, second in ((lambda: close(alice, daily), move), (move, lambda: close(alice, daily))):
        outcomes = interleave(first, second)

        # The task and its project are locked in either order: PostgreSQL may end one, which changes nothing.
        assert len(errors_of_type(outcomes)) <= 1
    assert Recurrence.objects.get().number <= 2
    assert Task.objects.count() == 1 + Recurrence.objects.get().number


def test_reminders_are_sent_once_by_many_schedulers(project, bob, outbox):
    task = TaskFactory(project=project, due_at=NOW + timedelta(days=1))
    for days in range(20):
        ReminderFactory(task=task, user=bob, days_before=days + 1, since=NOW - timedelta(days=40))

    outcomes = run_concurrently([lambda: send_due(now=NOW)] * SCHEDULERS)
    outcomes.append(send_due(now=NOW))

    assert errors_of_type(outcomes) == []
    assert sum(outcomes) == outbox.names().count("task.reminder_due") == 20
    assert not Reminder.objects.filter(sent_at=None).exists()


def test_reminders_added_at_once_stay_within_the_limit(project, bob):
    task = TaskFactory(project=project, due_at=NOW + timedelta(days=1))

    outcomes = run_concurrently(
        lambda n=n: reminders.add(actor=bob, ref=str(task.pk), minutes_before=n, now=NOW) for n in range(14)
    )

    assert len(errors_of_type(outcomes, Invalid)) == 4
    assert Reminder.objects.count() == 10


def test_recurrences_set_at_once_are_one(alice, bob, project):
    task = TaskFactory(project=project, due_date=date(2090, 5, 4))

    outcomes = run_concurrently(
        lambda n=n: recurrence.set_recurrence(
            actor=(alice, bob)[n % 2], ref=str(task.pk), values={"rule": f"FREQ=DAILY;INTERVAL={n + 1}"}, now=NOW
        )
        for n in range(6)
    )

    assert errors_of_type(outcomes) == []
    assert (Recurrence.objects.count(), Recurrence.objects.get().version) == (1, 6)
