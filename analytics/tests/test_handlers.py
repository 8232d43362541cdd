from __future__ import annotations

import uuid
from datetime import date

import pytest

from analytics.models import DailyStat, TaskSnapshot
from analytics.rollups.rollup import Amounts, Cell
from analytics.tests.event_factories import (
    ALPHA,
    ANA,
    BEN,
    BETA,
    append_event,
    at,
    deliver,
    done_task_payload,
    publish_event,
    task_payload,
)

pytestmark = pytest.mark.django_db

FIRST = date(2026, 3, 2)
CLOSING = date(2026, 3, 4)


def nonzero_rows():
    """Return the rows that are not all zero."""
    return {cell: amounts for cell, amounts in DailyStat.objects.contents().items() if amounts != Amounts()}


def test_created_task_counts_for_all_and_for_each_assignee():
    publish_event("task.created", task_payload(people=[ANA]))

    assert nonzero_rows() == {Cell(FIRST, ALPHA, None): Amounts(created=1), Cell(FIRST, ALPHA, ANA): Amounts(created=1)}


def test_tasks_of_one_day_add_up_in_one_row():
    publish_event("task.created", done_task_payload(1, version=1))
    publish_event("task.created", done_task_payload(2, version=1, closed=at("2026-03-04", "10:00")))

    row = DailyStat.objects.get(day=CLOSING)

    assert (row.completed, row.closed, row.cycle_histogram[7]) == (2, 2, 2)
    assert sum(row.cycle_histogram) == 2


def test_event_delivered_twice_counts_once():
    event = publish_event("task.created", task_payload())
    before = TaskSnapshot.objects.get().counted_at

    deliver(event)

    assert nonzero_rows() == {Cell(FIRST, ALPHA, None): Amounts(created=1)}
    assert TaskSnapshot.objects.get().counted_at == before


def test_older_versions_delivered_late_are_ignored():
    publish_event("task.updated", done_task_payload(version=3))
    before = nonzero_rows()

    publish_event("task.created", task_payload(version=1))
    publish_event("task.updated", task_payload(version=2, people=[BEN]))

    assert nonzero_rows() == before
    assert TaskSnapshot.objects.get().version == 3


def test_reopened_task_was_never_closed():
    publish_event("task.created", done_task_payload(version=1))

    publish_event("task.updated", task_payload(version=2, category="in_progress"))

    assert nonzero_rows() == {Cell(FIRST, ALPHA, None): Amounts(created=1)}


def test_moved_task_counts_in_its_new_project():
    publish_event("task.created", task_payload(people=[ANA]))

    publish_event("task.updated", task_payload(version=2, people=[ANA], project_id=str(BETA)))

    assert {cell.project_id for cell in nonzero_rows()} == {BETA}


def test_reassigned_task_counts_for_the_new_assignee():
    publish_event("task.created", task_payload(people=[ANA]))

    publish_event("task.updated", task_payload(version=2, people=[BEN]))

    assert {cell.user_id for cell in nonzero_rows()} == {None, BEN}


def test_deleted_task_is_removed_and_stays_removed():
    publish_event("task.created", done_task_payload(version=1, people=[ANA], due_date="2026-03-02"))
    publish_event("task.deleted", task_payload(version=2))

    publish_event("task.updated", task_payload(version=1))

    assert nonzero_rows() == {}
    assert TaskSnapshot.objects.get().deleted


def test_task_deleted_before_its_creation_is_never_counted():
    publish_event("task.deleted", task_payload(version=2))

    publish_event("task.created", task_payload(version=1))

    assert nonzero_rows() == {}
    assert TaskSnapshot.objects.get(pk=uuid.UUID(int=1)).deleted


def test_invalid_event_changes_nothing():
    publish_event("task.created", task_payload())
    broken = append_event("task.updated", task_payload(version=2) | {"created_at": "yesterday"})

    with pytest.raises(ValueError, match="yesterday"):
        deliver(broken)

    assert nonzero_rows() == {Cell(FIRST, ALPHA, None): Amounts(created=1)}


def test_handler_queries_do_not_grow_with_assignees(queries):
    few, many = (
        append_event("task.created", task_payload()),
        append_event("task.created", task_payload(2, people=[uuid.UUID(int=n) for n in range(100, 150)])),
    )

    with queries(at_most=4) as small:
        deliver(few)
    with queries(equal_to=small):
        deliver(many)


def test_batch_of_one_task_leaves_the_newest_state():
    events = [append_event("task.updated", task_payload(version=n, people=[ANA] * (n % 2))) for n in (2, 4, 1, 3)]

    deliver(*events)

    assert nonzero_rows() == {Cell(FIRST, ALPHA, None): Amounts(created=1)}
    assert TaskSnapshot.objects.get().version == 4


def test_handler_queries_do_not_grow_with_events(queries):
    publish_event("task.created", task_payload(1))
    publish_event("task.created", task_payload(2, version=2))
    few = [
        append_event("task.updated", task_payload(1, version=2)),
        append_event("task.updated", task_payload(3, version=2)),
    ]
    many = [append_event("task.updated", task_payload(n, version=3, people=[ANA, BEN])) for n in range(2, 40)]

    with queries(at_most=6) as small:
        deliver(*few)
    with queries(equal_to=small):
        deliver(*many)

    assert TaskSnapshot.objects.filter(version=3).count() == 38
