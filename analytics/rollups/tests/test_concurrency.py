"""Facts that are counted at the same moment, on real transactions."""

from __future__ import annotations

import random
import threading
import uuid

import pytest
from django.db import transaction

from analytics.models import DailyStat, TaskSnapshot
from analytics.rollups import services
from analytics.rollups.rollup import TaskState
from analytics.tests.event_factories import ANA, BEN, append_event, at, deliver, done_task_payload, task_payload
from core.testing.concurrency import errors_of_type, run_concurrently

pytestmark = pytest.mark.django_db(transaction=True)


def test_all_facts_of_one_new_task_at_once_leave_the_newest():
    events = [append_event("task.created", task_payload(people=[ANA]))]
    events += [append_event("task.updated", task_payload(version=n, people=[ANA, BEN][: n % 3])) for n in range(2, 8)]
    events.append(append_event("task.updated", done_task_payload(version=8, people=[BEN])))

    outcomes = run_concurrently(lambda event=event: deliver(event) for event in events * 2)

    assert errors_of_type(outcomes) == []
    assert TaskSnapshot.objects.get().version == 8
    assert not services.verify()


def test_tasks_that_share_rows_in_opposite_orders_do_not_wait_in_a_circle():
    days = [at(f"2026-03-{day:02}") for day in range(1, 11)]
    lists = []
    for worker in range(6):
        choice = random.Random(worker)
        lists.append(
            [
                append_event(
                    "task.created",
                    done_task_payload(
                        worker * 100 + n,
                        people=choice.sample([ANA, BEN], 2),
                        closed=choice.choice(days),
                        created_at=days[0],
                    ),
                )
                for n in range(1, 16)
            ]
        )

    outcomes = run_concurrently(lambda events=events: [deliver(event) for event in events] for events in lists)

    assert errors_of_type(outcomes) == []
    assert sum(DailyStat.objects.filter(user_id=None).values_list("completed", flat=True)) == 90
    assert not services.verify()


def test_batches_that_share_tasks_in_any_order_do_not_wait_in_a_circle():
    known = [append_event("task.created", task_payload(n)) for n in range(1, 11)]
    deliver(*known)
    events = [
        append_event(
            "task.updated",
            done_task_payload(n, version=version, people=[ANA, BEN][: version % 3], closed=at(f"2026-03-{n + 3:02}")),
        )
        for n in range(1, 21)
        for version in (2, 3, 4)
    ]
    batches = [random.Random(seed).sample(events, 25) for seed in range(40)] + [events]

    outcomes = run_concurrently(
        lambda worker=worker: [deliver(*batch) for batch in batches[worker::6]] for worker in range(6)
    )

    assert errors_of_type(outcomes) == []
    assert set(TaskSnapshot.objects.values_list("version", flat=True)) == {4}
    assert not services.rebuild()


def test_facts_that_arrive_during_a_rebuild_are_counted_once():
    first = [append_event("task.created", task_payload(n)) for n in range(1, 41)]
    for event in first[:20]:
        deliver(event)
    DailyStat.objects.update(created=99)

    def keep_telling():
        for event in first[20:]:
            deliver(event)
            deliver(log_alone(int(event.subject_id)))

    outcomes = run_concurrently([keep_telling, services.rebuild, services.verify, services.rebuild])

    assert errors_of_type(outcomes) == []
    assert not services.verify()
    assert sum(DailyStat.objects.values_list("created", flat=True)) == 40


def log_alone(task: int):
    """The log grows while it is read; only this thread appends to it."""
    return append_event("task.updated", done_task_payload(task))


def test_a_rebuild_waits_for_a_fact_that_is_being_counted_and_keeps_it():
    event = append_event("task.created", task_payload())
    halfway, go_on = threading.Event(), threading.Event()

    def slowly():
        with transaction.atomic():
            services.record(task_states=[TaskState.from_payload(event.payload["task"])])
            halfway.set()
            go_on.wait(10)

    def rebuild():
        halfway.wait(10)
        threading.Timer(0.3, go_on.set).start()
        services.rebuild()

    outcomes = run_concurrently([slowly, rebuild])

    assert errors_of_type(outcomes) == []
    assert TaskSnapshot.objects.get(pk=uuid.UUID(int=1)).version == 1
    assert DailyStat.objects.get().created == 1
