from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from analytics.rollups.histogram import EMPTY_HISTOGRAM
from analytics.rollups.rollup import Amounts, Cell, TaskState, add_up, contributions, difference
from analytics.tests.event_factories import ALPHA, ANA, BEN, at, done_task_payload, task_payload
from analytics.tests.strategies import MONDAY, EventData, deliveries, task_histories


def amounts_by_day(user_id=None, **payload):
    """Return what one task contributes for a user or for all, by day of March."""
    cells = contributions(TaskState.from_payload(payload))
    return {cell.day.day: amounts for cell, amounts in cells.items() if cell.user_id == user_id}


def histogram_with_one(bucket):
    return tuple(int(index == bucket) for index in range(len(EMPTY_HISTOGRAM)))


def test_open_task_counts_as_created_on_its_day():
    assert contributions(TaskState.from_payload(task_payload())) == {
        Cell(date(2026, 3, 2), ALPHA, None): Amounts(created=1)
    }


def test_days_are_utc_days():
    assert list(amounts_by_day(**task_payload(created_at="2026-03-02T23:30:00-02:00"))) == [3]


def test_cycle_time_runs_from_the_start():
    task = done_task_payload(started_at=at("2026-03-04", "06:00"), closed=at("2026-03-04", "09:00"))

    assert amounts_by_day(**task)[4] == Amounts(completed=1, closed=1, cycle_histogram=histogram_with_one(2))


def test_cycle_time_without_a_start_runs_from_creation():
    assert amounts_by_day(**done_task_payload(closed=at("2026-03-04")))[4].cycle_histogram == histogram_with_one(7)


def test_cancelled_task_is_closed_and_not_completed():
    assert amounts_by_day(**done_task_payload() | {"category": "cancelled"})[4] == Amounts(closed=1)


def test_task_is_overdue_from_the_day_after_due_until_closed():
    days = amounts_by_day(**done_task_payload(due_date="2026-03-04", closed=at("2026-03-10")))

    assert {day: amounts.overdue_change for day, amounts in days.items()} == {2: 0, 5: 1, 10: -1}


def test_task_closed_on_its_first_overdue_day_is_never_overdue():
    days = amounts_by_day(**done_task_payload(due_date="2026-03-03", closed=at("2026-03-04")))

    assert {day: amounts.overdue_change for day, amounts in days.items()} == {2: 0, 4: 0}


def test_task_created_after_its_due_date_is_overdue_at_once():
    assert amounts_by_day(**task_payload(due_date="2026-01-01"))[2] == Amounts(created=1, overdue_change=1)


def test_due_time_counts_on_its_utc_day():
    assert amounts_by_day(**task_payload(due_at="2026-03-04T23:30:00-02:00"))[6].overdue_change == 1


def test_due_date_at_the_end_of_the_calendar_is_never_overdue():
    assert amounts_by_day(**task_payload(due_date="9999-12-31")) == {2: Amounts(created=1)}


def test_task_closed_before_its_creation_is_closed_on_that_day():
    days = amounts_by_day(**done_task_payload(closed=at("2026-03-01")))

    assert days == {2: Amounts(created=1, completed=1, closed=1, cycle_histogram=histogram_with_one(0))}


def test_task_counts_once_per_assignee_and_once_for_all():
    task = task_payload(people=[ANA, BEN, ANA])

    assert (
        amounts_by_day(None, **task)
        == amounts_by_day(ANA, **task)
        == amounts_by_day(BEN, **task)
        == {2: Amounts(created=1)}
    )


def test_deleted_task_contributes_nothing():
    assert contributions(TaskState.from_payload(task_payload(), deleted=True)) == {}


def test_difference_of_equal_contributions_is_empty():
    cells = contributions(TaskState.from_payload(done_task_payload(people=[ANA])))

    assert difference(cells, cells) == {}


def state_of(event: EventData) -> TaskState:
    return TaskState.from_payload(event[1], deleted=event[0] == "task.deleted")


def recorded_one_by_one(events: list[EventData]) -> dict:
    """Return the statistics after recording event by event, as the handlers do."""
    states: dict = {}
    statistics: dict = {}
    for state in map(state_of, events):
        known = states.get(state.task_id)
        if known and not state.supersedes(known):
            continue
        statistics = add_up([statistics, difference(contributions(state), contributions(known) if known else {})])
        states[state.task_id] = state
    return statistics


@given(deliveries())
def test_order_and_repetition_of_events_change_nothing(delivered):
    events, order = delivered

    assert recorded_one_by_one([events[index] for index in order]) == recorded_one_by_one(events)


@given(task_histories(), st.integers(0, 25))
def test_running_sums_equal_open_and_overdue_tasks(events, days):
    end = MONDAY.date() + timedelta(days=days)
    last = {state.task_id: state for state in map(state_of, events)}.values()
    existing = [task for task in last if not task.deleted and task.created_at.date() <= end]
    still_open = [task for task in existing if not task.closed_at or max(task.closed_at, task.created_at).date() > end]

    sums = [
        amounts for cell, amounts in recorded_one_by_one(events).items() if cell.user_id is None and cell.day <= end
    ]

    assert sum(amounts.created - amounts.closed for amounts in sums) == len(still_open)
    assert sum(amounts.overdue_change for amounts in sums) == sum(
        bool(task.due and task.due < end) for task in still_open
    )
