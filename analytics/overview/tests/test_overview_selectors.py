from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest

from analytics.models import DailyStat, TaskSnapshot
from analytics.overview import selectors
from analytics.overview.results import Period, Scope
from analytics.tests.event_factories import ALPHA, ANA, BEN, BETA, at, done_task_payload, publish_event, task_payload
from core.errors import Invalid, NotFound

BOTH_PROJECTS = Scope((ALPHA, BETA))
WEEK = Period.of(date(2026, 3, 9), date(2026, 3, 15))


@pytest.fixture
def fortnight(db):
    """Week before: two created, one done in 6 h, one overdue since the 5th. Week: three created, two done."""
    publish_event("task.created", done_task_payload(1, closed=at("2026-03-02", "15:00"), people=[ANA]))
    publish_event("task.created", task_payload(2, due_date="2026-03-04", people=[ANA, BEN]))
    publish_event(
        "task.created",
        done_task_payload(3, created_at=at("2026-03-09"), closed=at("2026-03-09", "12:00"), people=[BEN]),
    )
    publish_event("task.created", done_task_payload(4, created_at=at("2026-03-10"), closed=at("2026-03-13", "09:00")))
    publish_event(
        "task.created", task_payload(5, created_at=at("2026-03-10"), project_id=str(BETA), due_date="2026-03-14")
    )


def test_created_and_completed_are_compared_with_the_week_before(fortnight):
    result = selectors.overview(BOTH_PROJECTS, WEEK)

    assert (result.created.value, result.created.previous, result.created.change) == (3, 2, 1)
    assert (result.completed.value, result.completed.previous, result.completed.change) == (2, 1, 1)
    assert result.created.series == (1, 2, 0, 0, 0, 0, 0)
    assert result.completed.series == (1, 0, 0, 0, 1, 0, 0)
    assert result.throughput.value == pytest.approx(2 / 7)
    assert result.throughput.previous == pytest.approx(1 / 7)


def test_open_and_overdue_include_all_days_before(fortnight):
    result = selectors.overview(BOTH_PROJECTS, WEEK)

    assert result.open.series == (1, 3, 3, 3, 2, 2, 2)
    assert (result.open.value, result.open.previous) == (2, 1)
    assert result.overdue.series == (1, 1, 1, 1, 1, 1, 2)
    assert (result.overdue.value, result.overdue.previous) == (2, 1)


def test_percentiles_come_from_the_summed_histogram(fortnight):
    result = selectors.overview(BOTH_PROJECTS, WEEK)

    assert [(bar.label, bar.count) for bar in result.histogram if bar.count] == [("2 h to 4 h", 1), ("2 d to 4 d", 1)]
    assert result.cycle_median.value == pytest.approx(4)
    assert result.cycle_p85.value == pytest.approx(48 * 2**0.7)
    assert result.cycle_p95.value == pytest.approx(48 * 2**0.9)
    assert result.cycle_median.previous == pytest.approx(4 * 2**0.5)
    assert [point is None for point in result.cycle_median.series] == [False, True, True, True, False, True, True]


def test_workload_counts_open_tasks_at_the_end(fortnight, alice, bob):
    publish_event("task.created", task_payload(6, people=[BEN], created_at=at("2026-03-15", "23:59")))
    publish_event("task.created", task_payload(7, people=[BEN], created_at=at("2026-03-16")))

    result = selectors.overview(BOTH_PROJECTS, WEEK)

    assert [(load.name, load.open, load.overdue) for load in result.workload] == [("Bob", 2, 1), ("Alice", 1, 1)]


def test_workload_names_deleted_users(fortnight):
    assert {load.name for load in selectors.overview(BOTH_PROJECTS, WEEK).workload} == {"Former member"}


def test_scope_of_one_user_counts_their_tasks(fortnight, alice):
    result = selectors.overview(Scope((ALPHA, BETA), ANA), WEEK)

    assert (result.created.value, result.completed.previous, result.open.value, result.overdue.value) == (0, 1, 1, 1)
    assert [load.user_id for load in result.workload] == [ANA]


def test_scope_excludes_other_projects(fortnight):
    result = selectors.overview(Scope((BETA,)), WEEK)

    assert (result.created.value, result.completed.value, result.open.value) == (1, 0, 1)
    assert selectors.overview(Scope(()), WEEK).open.value == 0


def test_as_of_is_the_time_of_the_last_recorded_event(fortnight):
    assert selectors.overview(BOTH_PROJECTS, WEEK).as_of == TaskSnapshot.objects.order_by("-counted_at")[0].counted_at


def test_overview_without_events_is_empty(db):
    result = selectors.overview(BOTH_PROJECTS, WEEK)

    assert (result.open.value, result.created.value, result.cycle_median.value, result.cycle_median.change) == (
        0,
        0,
        None,
        None,
    )
    assert (result.as_of, result.workload, len(result.days)) == (None, (), 7)


def test_future_days_show_tasks_that_become_overdue(fortnight):
    publish_event("task.created", task_payload(8, created_at=at("2026-03-15"), due_date="2026-03-20"))

    days = selectors.daily(BOTH_PROJECTS, Period.of(date(2026, 3, 20), date(2026, 3, 21)))

    assert [day.overdue for day in days] == [2, 3]


@pytest.mark.django_db(transaction=True)
def test_recorded_event_invalidates_the_cached_result():
    publish_event("task.created", task_payload(1))
    assert selectors.overview(BOTH_PROJECTS, WEEK).open.value == 1

    publish_event("task.created", task_payload(2))

    assert selectors.overview(BOTH_PROJECTS, WEEK).open.value == 2


@pytest.mark.django_db(transaction=True)
def test_result_is_cached_until_the_next_event(django_assert_num_queries):
    publish_event("task.created", task_payload(1))
    selectors.overview(BOTH_PROJECTS, WEEK)
    selectors.daily(BOTH_PROJECTS, WEEK)

    with django_assert_num_queries(0):
        selectors.overview(BOTH_PROJECTS, WEEK)
        selectors.daily(BOTH_PROJECTS, WEEK)


def create_tasks(tasks, users, projects, days):
    for n in range(tasks):
        created = date(2026, 3, 1) + timedelta(days=n % days)
        publish_event(
            "task.created",
            task_payload(
                n + 1,
                people=[uuid.UUID(int=100 + n % users)],
                project_id=str(uuid.UUID(int=1 + n % projects)),
                created_at=at(created.isoformat()),
            ),
        )


def test_overview_queries_do_not_grow_with_rows(db, queries):
    spring = Period.of(date(2026, 1, 1), date(2026, 3, 31))
    create_tasks(tasks=2, users=1, projects=1, days=1)
    with queries(at_most=5) as small:
        selectors.overview(Scope((ALPHA,)), spring)
    create_tasks(tasks=60, users=20, projects=10, days=30)

    with queries(equal_to=small):
        selectors.overview(Scope(tuple(uuid.UUID(int=1 + n) for n in range(10))), spring)

    assert DailyStat.objects.count() > 60


def test_scope_holds_the_projects_visible_to_the_user(projects, alice, bob, carol, mallory):
    alpha, beta, inbox = (project.pk for project in projects)

    assert set(selectors.scope_for(alice).project_ids) == {alpha, beta}
    assert set(selectors.scope_for(bob).project_ids) == {alpha, inbox}
    assert set(selectors.scope_for(carol).project_ids) == {alpha, beta}
    assert selectors.scope_for(mallory).project_ids == ()


def test_scope_of_an_invisible_project_is_not_found(projects, bob, carol, mallory):
    beta, inbox = projects[1].pk, projects[2].pk

    for user, project_id in ((mallory, beta), (bob, beta), (carol, inbox), (bob, uuid.UUID(int=99))):
        with pytest.raises(NotFound):
            selectors.scope_for(user, project_id=project_id)


def test_scope_of_one_project_and_user(projects, alice):
    assert selectors.scope_for(alice, project_id=BETA, user_id=BEN) == Scope((BETA,), BEN)


@pytest.mark.parametrize(
    ("start", "end"),
    [("2026-03-02", "2026-03-01"), ("2025-01-01", "2026-01-02"), ("1974-12-31", "1975-01-05")],
)
def test_invalid_period_is_rejected(start, end):
    with pytest.raises(Invalid) as error:
        Period.of(date.fromisoformat(start), date.fromisoformat(end))

    assert [field.field for field in error.value.fields] == ["start"]


def test_period_may_be_a_leap_year(db):
    assert len(selectors.daily(BOTH_PROJECTS, Period.of(date(2024, 1, 1), date(2024, 12, 31)))) == 366


def test_overview_covers_the_ends_of_the_calendar(db):
    assert selectors.overview(BOTH_PROJECTS, Period.ending(date.max, length=366)).open.value == 0
    assert selectors.overview(BOTH_PROJECTS, Period.of(date(1975, 1, 1), date(1975, 12, 31))).open.value == 0
