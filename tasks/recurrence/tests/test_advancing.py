"""Tests of the next task of a series: by schedule, after completion, after a downtime, and when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from tasks.items import services as items
from tasks.models import Category, Occurrence, Project, Recurrence, RecurrenceMode, State, Task
from tasks.recurrence import services
from tasks.recurrence.advancing import advance_missed
from tasks.tests.factories import (
    AssigneeFactory,
    ChecklistItemFactory,
    FieldFactory,
    FieldValueFactory,
    TaskFactory,
)

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ONE_DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def repeat(project, bob):
    def make(rule, *, mode=RecurrenceMode.FIXED, zone="UTC", now=NOW, **fields):
        task = TaskFactory(project=project, **fields)
        values = {"rule": rule, "mode": mode, "time_zone": zone}
        services.set_recurrence(actor=bob, ref=task.key, values=values, now=now)
        return task

    return make


def close(task, actor, now, status="done"):
    items.update(actor=actor, ref=task.key, changes={"status": status}, now=now)


def current():
    return Recurrence.objects.get().task


def test_missed_task_is_followed_once(repeat, outbox):
    task = repeat("FREQ=DAILY", due_date=date(2026, 5, 4))

    counts = [advance_missed(now=NOW + timedelta(hours=hours)) for hours in (11, 12, 13)]

    assert counts == [0, 1, 0]
    assert current().due_date == date(2026, 5, 5)
    assert (Task.objects.count(), Task.objects.open().count()) == (2, 2)
    assert outbox.only("task.repeated")["task"]["id"] == str(task.pk)
    assert outbox.only("task.repeated")["actor"] is None


def test_downtime_leaves_one_missed_task(repeat):
    repeat("FREQ=DAILY", due_date=date(2026, 5, 4))

    advance_missed(now=NOW + 10 * ONE_DAY)
    advance_missed(now=NOW + 20 * ONE_DAY)

    days = sorted(Task.objects.open().values_list("due_date", flat=True))
    assert days == [date(2026, 5, 4), date(2026, 5, 24)]
    assert list(Occurrence.objects.order_by("number").values_list("number", "occurs_on")) == [
        (1, date(2026, 5, 4)),
        (2, date(2026, 5, 24)),
    ]


def test_second_missed_task_is_moved_with_an_event(repeat, outbox):
    repeat("FREQ=DAILY", due_date=date(2026, 5, 4), start_date=date(2026, 5, 3))
    advance_missed(now=NOW + ONE_DAY)
    version = current().version

    advance_missed(now=NOW + 2 * ONE_DAY)

    event = outbox.payloads("task.updated")[-1]
    assert event["changes"] == {
        "start_date": ["2026-05-04", "2026-05-05"],
        "due_date": ["2026-05-05", "2026-05-06"],
    }
    assert current().version == version + 1


def test_series_pauses_with_archived_project(repeat):
    repeat("FREQ=DAILY", due_date=date(2026, 5, 4))
    Project.objects.update(archived_at=NOW)

    paused = advance_missed(now=NOW + 5 * ONE_DAY)
    Project.objects.update(archived_at=None)
    resumed = advance_missed(now=NOW + 6 * ONE_DAY)

    assert (paused, resumed) == (0, 1)
    assert sorted(Task.objects.values_list("due_date", flat=True)) == [date(2026, 5, 4), date(2026, 5, 10)]


def test_series_ends_with_count_until_and_deletion(repeat, bob):
    counted = repeat("FREQ=DAILY;COUNT=2", due_date=date(2026, 5, 4))
    close(counted, bob, NOW)
    close(current(), bob, NOW)
    assert (Task.objects.count(), Recurrence.objects.get().missed_at) == (2, None)
    Recurrence.objects.all().delete()

    until = repeat("FREQ=DAILY;UNTIL=20260505", due_date=date(2026, 5, 4))
    close(until, bob, NOW)
    close(current(), bob, NOW)
    assert Task.objects.count() == 4
    Recurrence.objects.all().delete()

    deleted = repeat("FREQ=DAILY", due_date=date(2026, 5, 4))
    items.delete(actor=bob, ref=deleted.key, now=NOW)
    assert not Recurrence.objects.exists()
    assert advance_missed(now=NOW + 9 * ONE_DAY) == 0


def test_series_after_completion_counts_from_it(repeat, bob):
    cases = [
        ("FREQ=DAILY;INTERVAL=3", date(2026, 5, 1), date(2026, 5, 7)),
        ("FREQ=WEEKLY;INTERVAL=2", date(2026, 5, 30), date(2026, 5, 18)),
        ("FREQ=MONTHLY", date(2026, 5, 1), date(2026, 6, 4)),
        ("FREQ=YEARLY", date(2026, 5, 1), date(2027, 5, 4)),
        ("FREQ=WEEKLY;BYDAY=FR", date(2026, 5, 1), date(2026, 5, 8)),
    ]
    for rule, due, following in cases:
        task = repeat(rule, mode=RecurrenceMode.AFTER_COMPLETION, due_date=due)
        assert advance_missed(now=NOW + 30 * ONE_DAY) == 0

        close(task, bob, NOW)

        assert current().due_date == following, rule
        Recurrence.objects.all().delete()


def test_month_after_completion_ends_with_a_short_month(repeat, bob):
    now = datetime(2028, 1, 31, 12, 0, tzinfo=UTC)
    task = repeat("FREQ=MONTHLY", mode=RecurrenceMode.AFTER_COMPLETION, due_date=date(2028, 1, 31), now=now)

    close(task, bob, now)

    assert current().due_date == date(2028, 2, 29)


def test_count_after_completion_counts_the_tasks(repeat, bob):
    task = repeat("FREQ=DAILY;COUNT=3", mode=RecurrenceMode.AFTER_COMPLETION, due_date=date(2026, 5, 4))

    for _ in range(4):
        close(task, bob, NOW)
        task = current()

    assert Task.objects.count() == 3


def test_cancelled_task_is_skipped(repeat, bob):
    task = repeat("FREQ=DAILY", due_date=date(2026, 5, 4))

    close(task, bob, NOW, status="cancelled")

    assert current().due_date == date(2026, 5, 5)


def test_late_completion_leads_to_a_day_to_come(repeat, bob):
    task = repeat("FREQ=DAILY", due_at=datetime(2026, 5, 1, 9, 0, tzinfo=UTC))

    close(task, bob, NOW)

    assert current().due_at == datetime(2026, 5, 5, 9, 0, tzinfo=UTC)


def test_moved_due_date_does_not_move_the_series(repeat, bob):
    task = repeat("FREQ=WEEKLY", due_date=date(2026, 5, 4))
    items.update(actor=bob, ref=task.key, changes={"due_date": date(2026, 5, 6)}, now=NOW)

    close(task, bob, NOW)

    assert current().due_date == date(2026, 5, 11)


def test_next_task_begins_in_the_first_state(repeat, bob, project):
    State.objects.create(project=project, slug="idea", name="Idea", category=Category.TODO, position=-1 + 1)
    task = repeat("FREQ=DAILY", due_date=date(2026, 5, 4))
    items.update(actor=bob, ref=task.key, changes={"status": "in_progress"}, now=NOW)

    close(task, bob, NOW)

    following = current()
    assert (following.category, following.started_at, following.closed_at) == ("todo", None, None)


def test_former_member_is_not_assigned_to_next_task(repeat, bob, mallory):
    task = repeat("FREQ=DAILY", due_date=date(2026, 5, 4))
    AssigneeFactory(task=task, user=bob)
    AssigneeFactory(task=task, user=mallory)

    close(task, bob, NOW)

    assert [user.handle for user in current().assignees.all()] == ["bob"]


def test_whole_days_and_month_ends_follow_the_rule(repeat, bob):
    cases = [
        # A month without a 31st is left out, as RFC 5545 says; the last day of each month is BYMONTHDAY=-1.
        ("FREQ=MONTHLY", date(2026, 5, 31), date(2026, 7, 31)),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", date(2026, 5, 31), date(2026, 6, 30)),
        ("FREQ=YEARLY", date(2028, 2, 29), date(2032, 2, 29)),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", date(2026, 5, 29), date(2026, 6, 30)),
    ]
    for rule, due, following in cases:
        task = repeat(rule, due_date=due, zone="Pacific/Kiritimati")

        close(task, bob, NOW)

        assert (current().due_date, current().due_at) == (following, None), rule
        Recurrence.objects.all().delete()


def test_local_time_survives_changes_of_the_clocks(repeat, bob):
    # Zone, local time, the day before the change; the instants of the two days that follow.
    cases = [
        # 02:30 does not exist on 29 March 2026: with the offset before the gap it is 03:30.
        ("Europe/Berlin", time(2, 30), date(2026, 3, 28), "2026-03-29T01:30", "2026-03-30T00:30"),
        # 02:30 comes twice on 25 October 2026: the first counts.
        ("Europe/Berlin", time(2, 30), date(2026, 10, 24), "2026-10-25T00:30", "2026-10-26T01:30"),
        ("America/New_York", time(2, 30), date(2026, 3, 7), "2026-03-08T07:30", "2026-03-09T06:30"),
        # Lord Howe moves its clocks by half an hour: 02:15 does not exist on 4 October 2026.
        ("Australia/Lord_Howe", time(2, 15), date(2026, 10, 3), "2026-10-03T15:45", "2026-10-04T15:15"),
        ("Australia/Lord_Howe", time(1, 45), date(2026, 4, 4), "2026-04-04T14:45", "2026-04-05T15:15"),
        # Samoa skipped 30 December 2011 as a whole.
        ("Asia/Kathmandu", time(0, 0), date(2026, 3, 28), "2026-03-28T18:15", "2026-03-29T18:15"),
    ]
    for zone, clock, day, *instants in cases:
        due_at = _instant(day, clock, zone)
        task = repeat("FREQ=DAILY", zone=zone, due_at=due_at, now=due_at)
        for expected in instants:
            close(task, bob, due_at)

            task = current()
            assert task.due_at == datetime.fromisoformat(f"{expected}:00+00:00"), (zone, expected)
        Recurrence.objects.all().delete()


def _instant(day, clock, zone):
    from zoneinfo import ZoneInfo

    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)


def test_checklist_and_custom_fields_are_copied(repeat, bob, mallory):
    task = repeat("FREQ=DAILY", due_date=date(2026, 5, 4))
    for user in (bob, mallory):
        ChecklistItemFactory(task=task, assignee=user, is_done=True, done_at=NOW, due_date=date(2026, 5, 4))
    FieldValueFactory(task=task, field=FieldFactory(project=task.project), text="4711")

    close(task, bob, NOW)

    following = current()
    items = following.checklist.order_by("position").values_list("is_done", "assignee", "due_date")
    assert list(items) == [(False, bob.pk, None), (False, None, None)]
    assert [value.text for value in following.field_values.all()] == ["4711"]
    assert task.checklist.filter(is_done=True).count() == 2
