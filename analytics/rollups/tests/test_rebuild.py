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


def everything():
    stats = {cell: amounts for cell, amounts in DailyStat.objects.contents().items() if amounts != Amounts()}
    return stats, set(TaskSnapshot.objects.task_states())


class TestRebuildEqualsIncremental(TestCase):
    """A class only because hypothesis needs Django's own to roll back each example."""

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(deliveries())
    def test_in_whatever_order_and_however_often_the_facts_were_told(self, delivered):
        facts, order = delivered
        events = [append_event(*fact) for fact in facts]
        for place in order:
            deliver(events[place])
        incremental = everything()

        assert not services.rebuild()

        DailyStat.objects.all().delete()
        TaskSnapshot.objects.all().delete()
        services.rebuild()
        assert everything() == incremental


class TestManyTogetherEqualOneByOne(TestCase):
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(deliveries(), strategies.integers(1, 9))
    def test_however_the_facts_are_put_together(self, delivered, size):
        facts, order = delivered
        events = [append_event(*fact) for fact in facts]
        for place in order:
            deliver(events[place])
        one_by_one = everything()
        DailyStat.objects.all().delete()
        TaskSnapshot.objects.all().delete()

        for start in range(0, len(order), size):
            batch = [events[place] for place in order[start : start + size]]
            for name in {event.name for event in batch}:
                deliver(*[event for event in batch if event.name == name])

        assert everything() == one_by_one


@pytest.fixture
def history(db):
    publish_event("task.created", task_payload(1, people=[ANA]))
    publish_event("task.updated", done_task_payload(1, people=[ANA]))
    publish_event("task.created", task_payload(2, due_date="2026-03-05"))
    publish_event("task.created", task_payload(3))
    publish_event("task.deleted", task_payload(3, version=2))


def test_changes_nothing_where_nothing_is_wrong(history):
    before = everything()

    found = services.rebuild()

    assert not found
    assert (found.tasks, found.events) == (3, 5)
    assert everything() == before


def test_repairs_what_was_damaged(history):
    before = everything()
    DailyStat.objects.filter(user_id=ANA).update(created=7, cycle_histogram=[3] * 14)
    DailyStat.objects.filter(user_id=None, closed=1).delete()
    TaskSnapshot.objects.filter(version=2, deleted=False).update(version=99, category="todo")
    TaskSnapshot.objects.create(task_id=ANA, **{**vars_of_any(), "version": 4})

    found = services.rebuild()

    assert len(found.snapshots) == 2
    assert everything() == before


def vars_of_any():
    return {
        name: value for name, value in TaskSnapshot.objects.values()[0].items() if name not in {"task_id", "counted_at"}
    }


def test_counts_a_fact_once_that_is_delivered_after_the_rebuild(history):
    late = append_event("task.updated", done_task_payload(2))

    services.rebuild()
    rebuilt = everything()
    deliver(late)

    assert everything() == rebuilt
    assert TaskSnapshot.objects.get(pk=late.subject_id).category == "done"


@own_transactions
def test_reads_a_long_log_in_pieces(history, monkeypatch):
    monkeypatch.setattr("analytics.rollups.services.READ_BATCH_SIZE", 2)
    told = []

    services.verify(progress=lambda done, end: told.append((done, end)))

    assert told == [(2, 5), (4, 5), (5, 5)]


def test_leaves_everything_when_it_is_stopped(history):
    DailyStat.objects.update(created=7)
    before = everything()

    def stop(done, end):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        services.rebuild(progress=stop)

    assert everything() == before


@own_transactions
def test_verify_shows_a_difference_and_repairs_nothing(history):
    DailyStat.objects.filter(user_id=ANA, created=1).update(created=3)
    before = everything()

    found = services.verify()

    assert [(cell.user_id, missing) for cell, missing in found.stats.items()] == [(ANA, Amounts(created=-2))]
    assert everything() == before


@own_transactions
def test_verify_forgives_a_fact_that_is_on_its_way(history):
    create_delivery(append_event("task.updated", done_task_payload(2)), HANDLER, "pending")
    create_delivery(append_event("task.created", task_payload(5)), HANDLER, "pending")

    assert not services.verify()


@own_transactions
@pytest.mark.parametrize("state_of_delivery", ["done", "dead"])
def test_verify_does_not_forgive_a_fact_that_was_lost(history, state_of_delivery):
    lost = append_event("task.updated", done_task_payload(2))
    create_delivery(lost, HANDLER, state_of_delivery)

    assert list(services.verify().snapshots) == [lost.subject_id]


@own_transactions
def test_the_command_rebuilds_and_says_how_far_it_is(history):
    DailyStat.objects.all().delete()
    out = StringIO()

    call_command("rebuild_stats", stdout=out)

    assert "read 5 of 5 facts (100 %)" in out.getvalue()
    assert "3 tasks from 5 facts: 0 snapshots and 5 rows of statistics differed." in out.getvalue()
    assert not services.verify()


@own_transactions
def test_the_command_verifies_with_an_exit_code(history):
    call_command("rebuild_stats", "--verify", stdout=StringIO())
    DailyStat.objects.filter(user_id=ANA).update(created=3)
    out = StringIO()

    with pytest.raises(CommandError) as refused:
        call_command("rebuild_stats", "--verify", stdout=out)

    assert refused.value.returncode == 1
    assert f"2026-03-04 project {ALPHA} person {ANA}: created -3" in out.getvalue()


def test_the_command_can_be_stopped(history, monkeypatch):
    def stop(self, done, end):
        raise KeyboardInterrupt

    monkeypatch.setattr("analytics.management.commands.rebuild_stats.Command.progress", stop)

    with pytest.raises(CommandError, match="nothing was changed") as refused:
        call_command("rebuild_stats", stdout=StringIO())

    assert refused.value.returncode == 130


def test_an_empty_log_asks_for_empty_statistics(db):
    found = services.rebuild()

    assert (found.tasks, found.events, Event.objects.count()) == (0, 0, 0)


@own_transactions
def test_the_nightly_job_puts_right_what_differs(history):
    before = everything()
    DailyStat.objects.all().delete()

    jobs.reconcile()

    assert everything() == before


@own_transactions
def test_reconciling_leaves_it_to_whoever_is_at_it_already(history):
    DailyStat.objects.all().delete()
    other = connection.copy()
    other.cursor().execute("SELECT pg_advisory_lock(%s)", [RECONCILE_LOCK])

    jobs.reconcile()
    other.cursor().execute("SELECT pg_advisory_unlock(%s)", [RECONCILE_LOCK])
    other.close()

    assert not DailyStat.objects.exists()
