"""From changes of tasks to the statistics, through the event log and its deliveries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from analytics.models import DailyStat, TaskSnapshot
from analytics.overview import selectors as overview_selectors
from analytics.overview.results import Period
from analytics.rollups import services as rollups
from events.models import Delivery
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.items.ordering import move

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
WEEK = Period.of(date(2026, 3, 2), date(2026, 3, 8))


@pytest.fixture
def change(alice, outbox):
    def update(task, *, days, **changes):
        with outbox.delivering():
            items.update(actor=alice, ref=str(task.pk), changes=changes, now=MONDAY + timedelta(days=days))

    return update


@pytest.fixture
def tasks(alice, bob, project, outbox):
    drafts = [
        TaskDraft(title="Fix the printer", assignees=[bob.pk], due_date=date(2026, 3, 4)),
        TaskDraft(title="Order paper"),
        TaskDraft(title="Dust the shelves", assignees=[alice.pk, bob.pk]),
    ]
    with outbox.delivering():
        return items.create_many(actor=alice, project_ref=project.key, drafts=drafts, now=MONDAY)


def overview_for(user):
    return overview_selectors.overview(overview_selectors.scope_for(user), WEEK)


def test_statistics_follow_changes_of_tasks(tasks, change, alice, bob):
    printer, paper, shelves = tasks
    change(paper, days=1, status="in_progress")
    change(paper, days=1.25, status="done")
    change(shelves, days=2, status="cancelled")
    change(printer, days=3, assignees=[str(alice.pk)])

    result = overview_for(bob)

    assert result.open.series == (3, 2, 1, 1, 1, 1, 1)
    assert result.overdue.series == (0, 0, 0, 1, 1, 1, 1)
    assert result.completed.series == (0, 1, 0, 0, 0, 0, 0)
    assert [(bar.lower_hours, bar.count) for bar in result.histogram if bar.count] == [(4, 1)]
    assert [(load.user_id, load.open, load.overdue) for load in result.workload] == [(alice.pk, 1, 1)]


def test_reopened_task_is_open_again(tasks, change, alice):
    change(tasks[1], days=1, status="done")
    change(tasks[1], days=2, status="todo")

    assert overview_for(alice).open.value == 3


def test_deleted_task_is_not_counted(tasks, alice, outbox):
    with outbox.delivering():
        items.delete(actor=alice, ref=str(tasks[0].pk), now=MONDAY)

    assert (overview_for(alice).created.value, overview_for(alice).overdue.value) == (2, 0)


def test_task_moved_on_the_board_changes_no_statistics(tasks, alice, outbox):
    before = DailyStat.objects.contents()

    with outbox.delivering():
        move(actor=alice, ref=str(tasks[2].pk), before=tasks[0].pk, now=MONDAY)

    assert DailyStat.objects.contents() == before
    assert TaskSnapshot.objects.get(pk=tasks[2].pk).version == 2


def test_inbox_tasks_count_for_their_owner_only(alice, carol, admin, outbox):
    with outbox.delivering():
        items.create(actor=alice, draft=TaskDraft(title="Call home"), now=MONDAY)

    assert [overview_for(user).open.value for user in (alice, carol, admin)] == [1, 0, 0]


def test_statistics_agree_with_the_log_after_all_deliveries(tasks, change):
    change(tasks[0], days=1, due_at=MONDAY + timedelta(days=9), labels=["office"])

    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}
    assert not rollups.rebuild()
