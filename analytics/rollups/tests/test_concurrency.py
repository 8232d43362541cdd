"""Events recorded concurrently, in real transactions."""

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


def test_concurrent_events_of_one_task_leave_the_newest_state():
    events = [append_event("task.created", task_payload(people=[ANA]))]
    events += [append_event("task.updated", task_payload(version=n, people=[ANA, BEN][: n % 3])) for n in range(2, 8)]
    events.append(append_event("task.updated", done_task_payload(version=8, people=[BEN])))

    outcomes = run_concurrently(lambda event=event: deliver(event) for event in events * 2)

    assert errors_of_type(outcomes) == []
    assert TaskSnapshot.objects.get().version == 8
    assert not services.verify()


def test_tasks_sharing_rows_in_opposite_orders_do_not_deadlock():
    days = [at(f"2026-03-{day:02}") for day in range(1, 11)]
    batches = []
    for worker in range(6):
        rng = random.Random(worker)
        batches.append(
            [
                append_event(
                    "task.created",
                    done_task_payload(
                        worker * 100 + n,
                        people=rng.sample([ANA, BEN], 2),
                        closed=rng.choice(days),
                        created_at=days[0],
                    ),
                )
                for n in range(1, 16)
            ]
        )

    outcomes = run_concurrently(lambda events=events: [deliver(event) for event in events] for events in batches)

    assert errors_of_type(outcomes) == []
    assert sum(DailyStat.objects.filter(user_id=None).values_list("completed", flat=True)) == 90
    assert not services.verify()


def test_batches_sharing_tasks_in_any_order_do_not_deadlock():
    deliver(*[append_event("task.created", task_payload(n)) for n in range(1, 11)])
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


def test_events_during_a_rebuild_are_recorded_once():
    created_events = [append_event("task.created", task_payload(n)) for n in range(1, 41)]
    for event in created_events[:20]:
        deliver(event)
    DailyStat.objects.update(created=99)

    def deliver_rest():
        for event in created_events[20:]:
            deliver(event)
            # Only this thread appends to the log while it is read.
            deliver(append_event("task.updated", done_task_payload(int(event.subject_id))))

    outcomes = run_concurrently([deliver_rest, services.rebuild, services.verify, services.rebuild])

    assert errors_of_type(outcomes) == []
    assert not services.verify()
    assert sum(DailyStat.objects.values_list("created", flat=True)) == 40


def test_rebuild_waits_for_an_event_being_recorded():
    event = append_event("task.created", task_payload())
    recorded, may_commit = threading.Event(), threading.Event()

    def record_slowly():
        with transaction.atomic():
            services.record(task_states=[TaskState.from_payload(event.payload["task"])])
            recorded.set()
            may_commit.wait(10)

    def rebuild():
        recorded.wait(10)
        threading.Timer(0.3, may_commit.set).start()
        services.rebuild()

    outcomes = run_concurrently([record_slowly, rebuild])

    assert errors_of_type(outcomes) == []
    assert TaskSnapshot.objects.get(pk=uuid.UUID(int=1)).version == 1
    assert DailyStat.objects.get().created == 1
