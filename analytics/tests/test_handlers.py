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


def kept():
    """The rows that say anything."""
    return {cell: amounts for cell, amounts in DailyStat.objects.contents().items() if amounts != Amounts()}


def test_a_created_task_is_counted_for_everybody_and_for_its_people():
    publish_event("task.created", task_payload(people=[ANA]))

    assert kept() == {Cell(FIRST, ALPHA, None): Amounts(created=1), Cell(FIRST, ALPHA, ANA): Amounts(created=1)}


def test_tasks_of_one_day_add_up_in_one_row():
    publish_event("task.created", done_task_payload(1, version=1))
    publish_event("task.created", done_task_payload(2, version=1, closed=at("2026-03-04", "10:00")))

    row = DailyStat.objects.get(day=CLOSING)

    assert (row.completed, row.closed, row.cycle_histogram[7]) == (2, 2, 2)
    assert sum(row.cycle_histogram) == 2


def test_a_fact_told_twice_counts_once():
    event = publish_event("task.created", task_payload())
    before = TaskSnapshot.objects.get().counted_at

    deliver(event)

    assert kept() == {Cell(FIRST, ALPHA, None): Amounts(created=1)}
    assert TaskSnapshot.objects.get().counted_at == before


def test_older_news_that_comes_late_is_no_news():
    publish_event("task.updated", done_task_payload(version=3))
    before = kept()

    publish_event("task.created", task_payload(version=1))
    publish_event("task.updated", task_payload(version=2, people=[BEN]))

    assert kept() == before
    assert TaskSnapshot.objects.get().version == 3


def test_a_reopened_task_was_never_closed():
    publish_event("task.created", done_task_payload(version=1))

    publish_event("task.updated", task_payload(version=2, category="in_progress"))

    assert kept() == {Cell(FIRST, ALPHA, None): Amounts(created=1)}


def test_a_task_takes_its_numbers_along_to_another_project():
    publish_event("task.created", task_payload(people=[ANA]))

    publish_event("task.updated", task_payload(version=2, people=[ANA], project_id=str(BETA)))

    assert {cell.project_id for cell in kept()} == {BETA}


def test_a_task_that_changes_hands_counts_for_the_new_person():
    publish_event("task.created", task_payload(people=[ANA]))

    publish_event("task.updated", task_payload(version=2, people=[BEN]))

    assert {cell.user_id for cell in kept()} == {None, BEN}


def test_a_deleted_task_leaves_the_numbers_and_does_not_come_back():
    publish_event("task.created", done_task_payload(version=1, people=[ANA], due_date="2026-03-02"))
    publish_event("task.deleted", task_payload(version=2))

    publish_event("task.updated", task_payload(version=9))

    assert kept() == {}
    assert TaskSnapshot.objects.get().deleted


def test_a_task_whose_deletion_is_told_first_is_never_counted():
    publish_event("task.deleted", task_payload(version=2))

    publish_event("task.created", task_payload(version=1))

    assert kept() == {}
    assert TaskSnapshot.objects.get(pk=uuid.UUID(int=1)).deleted


def test_a_fact_that_cannot_be_understood_changes_nothing():
    publish_event("task.created", task_payload())
    broken = append_event("task.updated", task_payload(version=2) | {"created_at": "yesterday"})

    with pytest.raises(ValueError, match="yesterday"):
        deliver(broken)

    assert kept() == {Cell(FIRST, ALPHA, None): Amounts(created=1)}


def test_a_fact_costs_the_same_for_one_person_and_for_fifty(queries):
    few, many = (
        append_event("task.created", task_payload()),
        append_event("task.created", task_payload(2, people=[uuid.UUID(int=n) for n in range(100, 150)])),
    )

    with queries(at_most=4) as small:
        deliver(few)
    with queries(equal_to=small):
        deliver(many)


def test_of_many_facts_about_one_task_told_together_the_newest_counts():
    events = [append_event("task.updated", task_payload(version=n, people=[ANA] * (n % 2))) for n in (2, 4, 1, 3)]

    deliver(*events)

    assert kept() == {Cell(FIRST, ALPHA, None): Amounts(created=1)}
    assert TaskSnapshot.objects.get().version == 4


def test_many_facts_cost_the_statements_of_two(queries):
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
