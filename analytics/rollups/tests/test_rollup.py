from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from analytics.rollups.histogram import EMPTY_HISTOGRAM
from analytics.rollups.rollup import Amounts, Cell, TaskState, add_up, contributions, difference
from analytics.tests.event_factories import ALPHA, ANA, BEN, at, done_task_payload, task_payload
from analytics.tests.strategies import MONDAY, EventData, deliveries, task_histories


def given_to(user=None, **said):
    """What one task adds for one person, by day of March."""
    found = contributions(TaskState.from_payload(said))
    return {cell.day.day: amounts for cell, amounts in found.items() if cell.user_id == user}


def one_in(bucket):
    return tuple(int(place == bucket) for place in range(len(EMPTY_HISTOGRAM)))


def test_an_open_task_is_created_on_its_day():
    assert contributions(TaskState.from_payload(task_payload())) == {
        Cell(date(2026, 3, 2), ALPHA, None): Amounts(created=1)
    }


def test_the_day_is_that_of_utc():
    assert list(given_to(**task_payload(created_at="2026-03-02T23:30:00-02:00"))) == [3]


def test_a_completed_task_counts_its_cycle_time_from_its_start():
    task = done_task_payload(started_at=at("2026-03-04", "06:00"), closed=at("2026-03-04", "09:00"))

    assert given_to(**task)[4] == Amounts(completed=1, closed=1, cycle_histogram=one_in(2))


def test_a_task_nobody_started_counts_from_its_creation():
    assert given_to(**done_task_payload(closed=at("2026-03-04")))[4].cycle_histogram == one_in(7)


def test_a_cancelled_task_is_closed_and_not_completed():
    assert given_to(**done_task_payload() | {"category": "cancelled"})[4] == Amounts(closed=1)


def test_a_task_is_overdue_from_the_day_after_it_was_due_until_it_is_closed():
    days = given_to(**done_task_payload(due_date="2026-03-04", closed=at("2026-03-10")))

    assert {day: amounts.overdue_change for day, amounts in days.items()} == {2: 0, 5: 1, 10: -1}


def test_a_task_closed_on_the_first_day_of_being_late_was_never_overdue_at_the_end_of_a_day():
    days = given_to(**done_task_payload(due_date="2026-03-03", closed=at("2026-03-04")))

    assert {day: amounts.overdue_change for day, amounts in days.items()} == {2: 0, 4: 0}


def test_a_task_created_late_is_overdue_at_once():
    assert given_to(**task_payload(due_date="2026-01-01"))[2] == Amounts(created=1, overdue_change=1)


def test_an_instant_is_due_on_its_day_in_utc():
    assert given_to(**task_payload(due_at="2026-03-04T23:30:00-02:00"))[6].overdue_change == 1


def test_the_last_day_of_the_calendar_is_never_past():
    assert given_to(**task_payload(due_date="9999-12-31")) == {2: Amounts(created=1)}


def test_a_task_closed_before_it_was_created_is_closed_on_the_day_of_its_creation():
    days = given_to(**done_task_payload(closed=at("2026-03-01")))

    assert days == {2: Amounts(created=1, completed=1, closed=1, cycle_histogram=one_in(0))}


def test_each_person_and_everybody_together_have_the_task_once():
    task = task_payload(people=[ANA, BEN, ANA])

    assert given_to(None, **task) == given_to(ANA, **task) == given_to(BEN, **task) == {2: Amounts(created=1)}


def test_a_deleted_task_adds_nothing():
    assert contributions(TaskState.from_payload(task_payload(), deleted=True)) == {}


def test_what_is_taken_back_leaves_no_cells():
    both = contributions(TaskState.from_payload(done_task_payload(people=[ANA])))

    assert difference(both, both) == {}


def standing_of(fact: EventData) -> TaskState:
    return TaskState.from_payload(fact[1], deleted=fact[0] == "task.deleted")


def folded(facts: list[EventData]) -> dict:
    """Count fact by fact, as the handlers do."""
    held: dict = {}
    counted: dict = {}
    for told in map(standing_of, facts):
        known = held.get(told.task_id)
        if known and not told.supersedes(known):
            continue
        counted = add_up([counted, difference(contributions(told), contributions(known) if known else {})])
        held[told.task_id] = told
    return counted


@given(deliveries())
def test_neither_order_nor_repetition_changes_the_numbers(delivered):
    facts, order = delivered

    assert folded([facts[place] for place in order]) == folded(facts)


@given(task_histories(), st.integers(0, 25))
def test_running_sums_are_the_tasks_open_and_overdue_at_the_end_of_the_day(facts, days):
    end = MONDAY.date() + timedelta(days=days)
    last = {told.task_id: told for told in map(standing_of, facts)}.values()
    kept = [task for task in last if not task.deleted and task.created_at.date() <= end]
    still_open = [task for task in kept if not task.closed_at or max(task.closed_at, task.created_at).date() > end]

    sums = [amounts for cell, amounts in folded(facts).items() if cell.user_id is None and cell.day <= end]

    assert sum(amounts.created - amounts.closed for amounts in sums) == len(still_open)
    assert sum(amounts.overdue_change for amounts in sums) == sum(
        bool(task.due and task.due < end) for task in still_open
    )
