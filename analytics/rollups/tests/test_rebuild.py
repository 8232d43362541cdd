from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings, strategies
from hypothesis.extra.django import TestCase

from analytics import jobs
from analytics.models import DailyStat, TaskSnapshot
from analytics.rollups import services
from analytics.rollups.rollup import Amounts
from analytics.rollups.services import RECONCILE_LOCK
from analytics.tests.event_factories import (
    ALPHA,
    ANA,
    append_event,
    create_delivery,
    deliver,
    done_task_payload,
    publish_event,
    task_payload,
)
from analytics.tests.strategies import deliveries
from events.models import Event

own_transactions = pytest.mark.django_db(transaction=True)
HANDLER = "analytics.handlers.task_created"


def all_statistics():
    stats = {cell: amounts for cell, amounts in DailyStat.objects.contents().items() if amounts != Amounts()}
    return stats, set(TaskSnapshot.objects.task_states())


class TestRebuildEqualsIncremental(TestCase):
    """A class, because hypothesis needs Django's TestCase to roll back each example."""

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(deliveries())
    def test_rebuild_equals_recording_in_any_order(self, delivered):
        event_data, order = delivered
        events = [append_event(*data) for data in event_data]
        for index in order:
            deliver(events[index])
        incremental = all_statistics()

        assert not services.rebuild()

        DailyStat.objects.all().delete()
        TaskSnapshot.objects.all().delete()
        services.rebuild()
        assert all_statistics() == incremental


class TestBatchesEqualSingleEvents(TestCase):
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(deliveries(), strategies.integers(1, 9))
    def test_batches_of_any_size_equal_single_events(self, delivered, size):
        event_data, order = delivered
        events = [append_event(*data) for data in event_data]
        for index in order:
            deliver(events[index])
        one_by_one = all_statistics()
        DailyStat.objects.all().delete()
        TaskSnapshot.objects.all().delete()

        for start in range(0, len(order), size):
            batch = [events[index] for index in order[start : start + size]]
            for name in {event.name for event in batch}:
                deliver(*[event for event in batch if event.name == name])

        assert all_statistics() == one_by_one


@pytest.fixture
def history(db):
    publish_event("task.created", task_payload(1, people=[ANA]))
    publish_event("task.updated", done_task_payload(1, people=[ANA]))
    publish_event("task.created", task_payload(2, due_date="2026-03-05"))
    publish_event("task.created", task_payload(3))
    publish_event("task.deleted", task_payload(3, version=2))


def test_rebuild_of_correct_statistics_changes_nothing(history):
    before = all_statistics()

    comparison = services.rebuild()

    assert not comparison
    assert (comparison.tasks, comparison.events) == (3, 5)
    assert all_statistics() == before


def test_rebuild_repairs_damaged_rows(history):
    before = all_statistics()
    DailyStat.objects.filter(user_id=ANA).update(created=7, cycle_histogram=[3] * 14)
    DailyStat.objects.filter(user_id=None, closed=1).delete()
    TaskSnapshot.objects.filter(version=2, deleted=False).update(version=99, category="todo")
    TaskSnapshot.objects.create(task_id=ANA, **{**any_snapshot_values(), "version": 4})

    comparison = services.rebuild()

    assert len(comparison.snapshots) == 2
    assert all_statistics() == before


def any_snapshot_values():
    return {
        name: value for name, value in TaskSnapshot.objects.values()[0].items() if name not in {"task_id", "counted_at"}
    }


def test_event_delivered_after_the_rebuild_is_recorded_once(history):
    late = append_event("task.updated", done_task_payload(2))

    services.rebuild()
    rebuilt = all_statistics()
    deliver(late)

    assert all_statistics() == rebuilt
    assert TaskSnapshot.objects.get(pk=late.subject_id).category == "done"


@own_transactions
def test_long_log_is_read_in_batches(history, monkeypatch):
    monkeypatch.setattr("analytics.rollups.services.READ_BATCH_SIZE", 2)
    progress = []

    services.verify(progress=lambda done, end: progress.append((done, end)))

    assert progress == [(2, 5), (4, 5), (5, 5)]


def test_stopped_rebuild_changes_nothing(history):
    DailyStat.objects.update(created=7)
    before = all_statistics()

    def stop(done, end):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        services.rebuild(progress=stop)

    assert all_statistics() == before


@own_transactions
def test_verify_reports_differences_and_repairs_nothing(history):
    DailyStat.objects.filter(user_id=ANA, created=1).update(created=3)
    before = all_statistics()

    comparison = services.verify()

    assert [(cell.user_id, missing) for cell, missing in comparison.stats.items()] == [(ANA, Amounts(created=-2))]
    assert all_statistics() == before


@own_transactions
def test_verify_ignores_tasks_with_pending_deliveries(history):
    create_delivery(append_event("task.updated", done_task_payload(2)), HANDLER, "pending")
    create_delivery(append_event("task.created", task_payload(5)), HANDLER, "pending")

    assert not services.verify()


@own_transactions
@pytest.mark.parametrize("state_of_delivery", ["done", "dead"])
def test_verify_reports_lost_events(history, state_of_delivery):
    lost = append_event("task.updated", done_task_payload(2))
    create_delivery(lost, HANDLER, state_of_delivery)

    assert list(services.verify().snapshots) == [lost.subject_id]


@own_transactions
def test_rebuild_command_repairs_and_reports_progress(history):
    DailyStat.objects.all().delete()
    output = StringIO()

    call_command("rebuild_stats", stdout=output)

    assert "Read 5 of 5 events (100 %)." in output.getvalue()
    assert "3 tasks from 5 events: 0 snapshots and 5 rows of statistics differed." in output.getvalue()
    assert not services.verify()


@own_transactions
def test_verify_command_exits_with_1_on_differences(history):
    call_command("rebuild_stats", "--verify", stdout=StringIO())
    DailyStat.objects.filter(user_id=ANA).update(created=3)
    output = StringIO()

    with pytest.raises(CommandError) as error:
        call_command("rebuild_stats", "--verify", stdout=output)

    assert error.value.returncode == 1
    assert f"2026-03-04 project {ALPHA} user {ANA}: created -3" in output.getvalue()


def test_rebuild_command_can_be_stopped(history, monkeypatch):
    def stop(self, done, end):
        raise KeyboardInterrupt

    monkeypatch.setattr("analytics.management.commands.rebuild_stats.Command.report_progress", stop)

    with pytest.raises(CommandError, match="nothing was changed") as error:
        call_command("rebuild_stats", stdout=StringIO())

    assert error.value.returncode == 130


def test_rebuild_of_an_empty_log_is_empty(db):
    comparison = services.rebuild()

    assert (comparison.tasks, comparison.events, Event.objects.count()) == (0, 0, 0)


@own_transactions
def test_reconcile_job_repairs_differences(history):
    before = all_statistics()
    DailyStat.objects.all().delete()

    jobs.reconcile()

    assert all_statistics() == before


@own_transactions
def test_reconcile_job_skips_while_another_process_runs_it(history):
    DailyStat.objects.all().delete()
    other_connection = connection.copy()
    other_connection.cursor().execute("SELECT pg_advisory_lock(%s)", [RECONCILE_LOCK])

    jobs.reconcile()
    other_connection.cursor().execute("SELECT pg_advisory_unlock(%s)", [RECONCILE_LOCK])
    other_connection.close()

    assert not DailyStat.objects.exists()
