from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest

from analytics.models import DailyStat, TaskSnapshot
from analytics.overview import selectors
from analytics.overview.results import Period, Scope
from analytics.tests.event_factories import ALPHA, ANA, BEN, BETA, at, done_task_payload, publish_event, task_payload
from core.errors import Invalid, NotFound

BOTH = Scope((ALPHA, BETA))
WEEK = Period.of(date(2026, 3, 9), date(2026, 3, 15))


@pytest.fixture
def fortnight(db):
    """The week before: two created, one done in 6 h, one overdue since the 5th. The week: three created, two done."""
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


def test_counts_what_was_created_and_completed_beside_the_week_before(fortnight):
    seen = selectors.overview(BOTH, WEEK)

    assert (seen.created.value, seen.created.previous, seen.created.change) == (3, 2, 1)
    assert (seen.completed.value, seen.completed.previous, seen.completed.change) == (2, 1, 1)
    assert seen.created.series == (1, 2, 0, 0, 0, 0, 0)
    assert seen.completed.series == (1, 0, 0, 0, 1, 0, 0)
    assert seen.throughput.value == pytest.approx(2 / 7)
    assert seen.throughput.previous == pytest.approx(1 / 7)


def test_carries_open_and_overdue_on_from_all_days_before(fortnight):
    seen = selectors.overview(BOTH, WEEK)

    assert seen.open.series == (1, 3, 3, 3, 2, 2, 2)
    assert (seen.open.value, seen.open.previous) == (2, 1)
    assert seen.overdue.series == (1, 1, 1, 1, 1, 1, 2)
    assert (seen.overdue.value, seen.overdue.previous) == (2, 1)


def test_reads_percentiles_from_the_added_histogram(fortnight):
    seen = selectors.overview(BOTH, WEEK)

    assert [(bar.label, bar.count) for bar in seen.histogram if bar.count] == [("2 h to 4 h", 1), ("2 d to 4 d", 1)]
    assert seen.cycle_median.value == pytest.approx(4)
    assert seen.cycle_p85.value == pytest.approx(48 * 2**0.7)
    assert seen.cycle_p95.value == pytest.approx(48 * 2**0.9)
    assert seen.cycle_median.previous == pytest.approx(4 * 2**0.5)
    assert [point is None for point in seen.cycle_median.series] == [False, True, True, True, False, True, True]


def test_says_who_has_what_open_at_the_end(fortnight, alice, bob):
    publish_event("task.created", task_payload(6, people=[BEN], created_at=at("2026-03-15", "23:59")))
    publish_event("task.created", task_payload(7, people=[BEN], created_at=at("2026-03-16")))

    seen = selectors.overview(BOTH, WEEK)

    assert [(load.name, load.open, load.overdue) for load in seen.workload] == [("Bob", 2, 1), ("Alice", 1, 1)]


def test_names_those_who_left(fortnight):
    assert {load.name for load in selectors.overview(BOTH, WEEK).workload} == {"Someone who left"}


def test_counts_for_one_person(fortnight, alice):
    seen = selectors.overview(Scope((ALPHA, BETA), ANA), WEEK)

    assert (seen.created.value, seen.completed.previous, seen.open.value, seen.overdue.value) == (0, 1, 1, 1)
    assert [load.user_id for load in seen.workload] == [ANA]


def test_counts_nothing_of_other_projects(fortnight):
    seen = selectors.overview(Scope((BETA,)), WEEK)

    assert (seen.created.value, seen.completed.value, seen.open.value) == (1, 0, 1)
    assert selectors.overview(Scope(()), WEEK).open.value == 0


def test_says_when_the_last_fact_was_counted(fortnight):
    assert selectors.overview(BOTH, WEEK).as_of == TaskSnapshot.objects.order_by("-counted_at")[0].counted_at


def test_is_empty_without_facts(db):
    seen = selectors.overview(BOTH, WEEK)

    assert (seen.open.value, seen.created.value, seen.cycle_median.value, seen.cycle_median.change) == (
        0,
        0,
        None,
        None,
    )
    assert (seen.as_of, seen.workload, len(seen.days)) == (None, (), 7)


def test_days_to_come_show_what_falls_overdue(fortnight):
    publish_event("task.created", task_payload(8, created_at=at("2026-03-15"), due_date="2026-03-20"))

    days = selectors.daily(BOTH, Period.of(date(2026, 3, 20), date(2026, 3, 21)))

    assert [day.overdue for day in days] == [2, 3]


@pytest.mark.django_db(transaction=True)
def test_a_counted_fact_ends_the_remembered_answer():
    publish_event("task.created", task_payload(1))
    assert selectors.overview(BOTH, WEEK).open.value == 1

    publish_event("task.created", task_payload(2))

    assert selectors.overview(BOTH, WEEK).open.value == 2


@pytest.mark.django_db(transaction=True)
def test_an_answer_is_remembered_until_then(django_assert_num_queries):
    publish_event("task.created", task_payload(1))
    selectors.overview(BOTH, WEEK)
    selectors.daily(BOTH, WEEK)

    with django_assert_num_queries(0):
        selectors.overview(BOTH, WEEK)
        selectors.daily(BOTH, WEEK)


def grow(tasks, people, projects, days):
    for n in range(tasks):
        created = date(2026, 3, 1) + timedelta(days=n % days)
        publish_event(
            "task.created",
            task_payload(
                n + 1,
                people=[uuid.UUID(int=100 + n % people)],
                project_id=str(uuid.UUID(int=1 + n % projects)),
                created_at=at(created.isoformat()),
            ),
        )


def test_costs_the_same_for_few_and_for_many(db, queries):
    spring = Period.of(date(2026, 1, 1), date(2026, 3, 31))
    grow(tasks=2, people=1, projects=1, days=1)
    with queries(at_most=5) as small:
        selectors.overview(Scope((ALPHA,)), spring)
    grow(tasks=60, people=20, projects=10, days=30)

    with queries(equal_to=small):
        selectors.overview(Scope(tuple(uuid.UUID(int=1 + n) for n in range(10))), spring)

    assert DailyStat.objects.count() > 60


def test_sees_the_projects_of_its_reader(projects, alice, bob, carol, mallory):
    alpha, beta, inbox = (project.pk for project in projects)

    assert set(selectors.scope_for(alice).project_ids) == {alpha, beta}
    assert set(selectors.scope_for(bob).project_ids) == {alpha, inbox}
    assert set(selectors.scope_for(carol).project_ids) == {alpha, beta}
    assert selectors.scope_for(mallory).project_ids == ()


def test_refuses_a_project_its_reader_cannot_see(projects, bob, carol, mallory):
    beta, inbox = projects[1].pk, projects[2].pk

    for who, project_id in ((mallory, beta), (bob, beta), (carol, inbox), (bob, uuid.UUID(int=99))):
        with pytest.raises(NotFound):
            selectors.scope_for(who, project_id=project_id)


def test_takes_one_project_of_its_reader(projects, alice):
    assert selectors.scope_for(alice, project_id=BETA, user_id=BEN) == Scope((BETA,), BEN)


@pytest.mark.parametrize(
    ("start", "end"),
    [("2026-03-02", "2026-03-01"), ("2025-01-01", "2026-01-02"), ("1974-12-31", "1975-01-05")],
)
def test_refuses_a_period_it_cannot_answer_for(start, end):
    with pytest.raises(Invalid) as refused:
        Period.of(date.fromisoformat(start), date.fromisoformat(end))

    assert [field.field for field in refused.value.fields] == ["start"]


def test_the_longest_period_is_a_leap_year(db):
    assert len(selectors.daily(BOTH, Period.of(date(2024, 1, 1), date(2024, 12, 31)))) == 366


def test_reaches_the_ends_of_the_calendar(db):
    assert selectors.overview(BOTH, Period.ending(date.max, length=366)).open.value == 0
    assert selectors.overview(BOTH, Period.of(date(1975, 1, 1), date(1975, 12, 31))).open.value == 0
