"""Cursor pagination: each row once and in order, forwards and backwards, while rows come and go."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.filters.selectors import TASK_SORTS
from tasks.items.fractional_indexing import initial_position
from tasks.models import Task

TASKS = "/api/v1/tasks/"
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
# Few values, so that most are ties; null where the column may be.
FEW = st.integers(0, 2)
DAYS = st.none() | FEW.map(lambda day: date(2026, 3, 1) + timedelta(days=day))
STARTS = st.none() | FEW.map(lambda day: date(2026, 2, 1) + timedelta(days=day))
INSTANTS = FEW.map(lambda hour: MONDAY + timedelta(hours=hour, microseconds=1))
ROW = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["a", "A", "ä", "b", "_b", " b"]),
        "priority": FEW,
        "created_at": INSTANTS,
        "updated_at": INSTANTS,
        "due_date": DAYS,
        "start_date": STARTS,
        "estimate": st.none() | FEW,
    }
)
ROWS = st.lists(ROW, min_size=1, max_size=12)
ORDERINGS = st.sampled_from([f"{sign}{name}" for name in TASK_SORTS for sign in ("", "-")])

pytestmark = pytest.mark.django_db


@pytest.fixture
def insert(project):
    state, numbers = project.states.get(slug="todo"), iter(range(1, 10_000))

    def add(rows):
        made = []
        for row in rows:
            number = next(numbers)
            made.append(
                Task(
                    project=project,
                    number=number,
                    state=state,
                    creator=project.owner,
                    position=initial_position(number),
                    **row,
                )
            )
        return Task.objects.bulk_create(made)

    return add


def walk(client, url, *, direction="next", between=lambda: None):
    """Follow the list to its end; returns the numbers of its rows and the last page."""
    numbers: list[int] = []
    page = {"results": [], "previous": None, "next": None}
    while url:
        page = client.get(url).json()
        rows = [row["number"] for row in page["results"]]
        numbers += rows if direction == "next" else rows[::-1]
        url = page[direction]
        between()
    return numbers, page


@given(rows=ROWS, ordering=ORDERINGS, limit=st.integers(1, 5))
@settings(max_examples=40)
def test_there_and_back_every_row_is_seen_once(rows, ordering, limit, clients, insert):
    client = clients["alice"]
    with transaction.atomic():
        insert(rows)
        whole = [
            row["number"]
            for row in client.get(f"{TASKS}?limit=100&ordering={ordering}&fields=number").json()["results"]
        ]

        there, last = walk(client, f"{TASKS}?limit={limit}&ordering={ordering}&fields=number")
        back, first = walk(client, last["previous"], direction="previous")

        assert there == whole
        assert sorted(whole) == sorted(Task.objects.values_list("number", flat=True))
        assert back[::-1] + [row["number"] for row in last["results"]] == whole
        assert first["previous"] is None
        transaction.set_rollback(True)


@given(rows=ROWS, later=ROWS, ordering=ORDERINGS, limit=st.integers(1, 4), seed=st.integers(0, 9))
@settings(max_examples=40)
def test_rows_that_stay_are_seen_once_while_others_come_and_go(rows, later, ordering, limit, seed, clients, insert):
    client, chance = clients["alice"], random.Random(seed)
    with transaction.atomic():
        made = insert(rows)
        doomed, waiting = chance.sample(made, len(made) // 3), list(later)
        staying = [task.number for task in made if task not in doomed]

        def disturb():
            if waiting:
                insert([waiting.pop()])
            if doomed:
                Task.objects.filter(pk=doomed.pop().pk).delete()

        there, _ = walk(client, f"{TASKS}?limit={limit}&ordering={ordering}&fields=number", between=disturb)

        assert len(there) == len(set(there))
        assert [number for number in there if number in staying] == in_order(client, ordering, staying)
        transaction.set_rollback(True)


def in_order(client, ordering, numbers):
    rows = client.get(f"{TASKS}?limit=100&ordering={ordering}&fields=number").json()["results"]
    return [row["number"] for row in rows if row["number"] in numbers]
