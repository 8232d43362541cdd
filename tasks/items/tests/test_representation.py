"""The lean reads answer exactly what the serializers declare, byte for byte."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import cycle

import pytest
import time_machine
from django.http import QueryDict
from django.utils import timezone

from accounts.tests.factories import UserFactory
from core.api.pagination import PageRequest
from core.api.query_params import parse_query, select_fields
from core.serialization import dumps
from tasks.filters import selectors as filters_selectors
from tasks.filters.query_params import ORDERINGS, TaskQuery, filters_from_params
from tasks.filters.selectors import TaskFilters
from tasks.items.page_queries import paginate_tasks
from tasks.items.progress import progress_columns
from tasks.items.serializers import TaskListOut, TaskOut
from tasks.models import Priority, Task
from tasks.tests.factories import (
    AssigneeFactory,
    ChecklistItemFactory,
    LabelFactory,
    MemberFactory,
    ProjectFactory,
    TaskFactory,
)

TASKS = "/api/v1/tasks/"
WORDS = ("plain", 'Ünï "quoted" \\ back', "\u202eעברית 🦊\u0301", "tab\tline\nend", "</script>&<b>", "ß" * 500)
INSTANTS = (
    None,
    datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    datetime(2026, 1, 2, 3, 4, 5, 120_000, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 1, 2, 3, 4, 5, 7, tzinfo=UTC),
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def every_kind(project, alice, bob):
    """Tasks with every combination of empty and filled fields, in two projects."""
    states = {state.slug: state for state in project.states.all()}
    words, instants = cycle(WORDS), cycle(INSTANTS)
    people = [alice, bob, MemberFactory(project=project, user=UserFactory(handle="zoe", name='Zoë "Z" O\'Hara')).user]
    labels = [LabelFactory(project=project, name=name) for name in ("zebra", "Äpfel", "apple", 'q"uote')]
    parent = TaskFactory(project=project, title=next(words))
    for number in range(32):
        has = [bool(number & 1 << bit) for bit in range(5)]
        instant = next(instants)
        task = TaskFactory(
            project=project,
            title=next(words),
            description=next(words) if has[0] else "",
            priority=list(Priority)[number % 5],
            state=states["done" if has[1] else "in_progress"],
            closed_at=instant or INSTANTS[1] if has[1] else None,
            started_at=instant if has[2] else None,
            start_date=date(1998, 5, number % 28 + 1) if has[3] else None,
            due_date=date(2026, 6, number % 28 + 1) if has[4] else None,
            due_at=instant if not has[4] else None,
            estimate=number if has[2] else None,
            parent=parent if has[0] else None,
            created_at=next(instants) or INSTANTS[2],
            updated_at=next(instants) or INSTANTS[3],
            creator=people[number % 3],
        )
        for user in people[: number % 4]:
            AssigneeFactory(task=task, user=user)
        task.labels.set(labels[: number % 5])
        for position in range(number % 3):
            ChecklistItemFactory(
                task=task, position=position, is_done=bool(position), done_at=INSTANTS[1] if position else None
            )
    TaskFactory(project=ProjectFactory(key="ZETA", owner=alice), title="Elsewhere")
    return project


def as_declared(user, ordering, *, described=False):
    page_request = PageRequest(sorts=filters_selectors.TASK_SORTS, ordering=ordering, limit=100, owner=str(user.pk))
    filters = TaskFilters(now=timezone.now(), today=date.today())  # noqa: DTZ011
    page = paginate_tasks(user, filters_selectors.filter_visible(user, filters), page_request, zone="UTC")
    return TaskListOut(
        list(page.rows), many=True, context={"include": ["description", "progress"] if described else []}
    ).data


def test_task_list_equals_its_serializer_output(every_kind, clients, alice):
    for index, ordering in enumerate(ORDERINGS):
        described = bool(index % 2)
        more = "&include=description,progress" if described else ""

        response = clients["alice"].get(f"{TASKS}?limit=100&ordering={ordering}{more}")

        expected = as_declared(alice, ordering, described=described)
        assert len(expected) == 34
        assert response.content == dumps({"results": expected, "next": None, "previous": None}), ordering


QUERIES = ["", "category=done", "status=in_progress,done", "priority=high,none", "assignee=me", "assignee=me,none", "creator=me",
    "label=apple",
     "parent=none", "overdue=true", "overdue=false", "due_after=2026-06-03", "due_before=2026-06-09", "project=OPS", "project=ZETA",
     "search=plain", "updated_since=2026-01-02T03:04:05.12Z", "category=done&assignee=me&overdue=false", "status=nothing",
]  # fmt: skip


@pytest.mark.parametrize("username", ["alice", "bob", "carol", "mallory"])
def test_filters_find_same_tasks_as_page_queries(username, every_kind, clients, request):
    user = request.getfixturevalue(username)
    for query in QUERIES:
        filters = filters_from_params(parse_query(TaskQuery, QueryDict(query)), user)
        task_ids = (
            filters_selectors.filter_visible(user, filters).order_by("-created_at", "-pk").values_list("pk", flat=True)
        )
        expected = [str(key) for key in task_ids]

        response = clients[username].get(f"{TASKS}?limit=100&fields=id&{query}").json()
        second = clients[username].get(f"{TASKS}?limit=7&page=2&fields=id&{query}").json()

        assert [row["id"] for row in response["results"]] == expected, query
        assert ([row["id"] for row in second["results"]], second["count"]) == (expected[7:14], len(expected)), query


def test_task_detail_equals_its_serializer_output(every_kind, clients):
    for task in Task.objects.with_relations().annotate(**progress_columns()):
        response = clients["alice"].get(f"{TASKS}{task.pk}/")

        assert response.content == dumps(TaskOut(task).data)
        assert clients["alice"].get(f"{TASKS}{task.key}/").content == response.content


def test_chosen_fields_are_the_same_fields(every_kind, clients, alice):
    names = ["labels", "assignees", "due_at", "key"]

    rows = clients["alice"].get(f"{TASKS}?limit=100&fields={','.join(names)}").json()["results"]

    assert dumps(rows) == dumps([select_fields(row, names) for row in as_declared(alice, "-created_at")])


def test_read_after_write_has_the_same_etag(task, clients):
    written = clients["alice"].patch(
        f"{TASKS}OPS-1/", {"title": "Ünï", "due_at": "2026-05-04T10:00:00.5Z", "labels": ["b", "A"]}
    )

    read = clients["alice"].get(f"{TASKS}OPS-1/")

    assert (read["ETag"], read.content) == (written["ETag"], written.content)


def test_unchanged_list_keeps_its_etag_and_its_cursor(every_kind, clients):
    with time_machine.travel(timezone.now()) as clock:
        first = clients["alice"].get(f"{TASKS}?limit=5")
        clock.shift(60)
        second = clients["alice"].get(f"{TASKS}?limit=5")

    assert (first["ETag"], first.content) == (second["ETag"], second.content)


def test_unknown_field_is_rejected_also_where_nothing_is_found(clients, alice):
    response = clients["alice"].get(f"{TASKS}?fields=id,colour")

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "fields"


@pytest.mark.parametrize(
    ("url", "at_most"),
    [(TASKS, 2), (f"{TASKS}?page=1", 3), (f"{TASKS}OPS-1/", 2), (f"{TASKS}?project=OPS", 3), (f"{TASKS}stats/", 4)],
)
def test_reads_stay_within_query_budget(url, at_most, every_kind, clients, queries):
    client = clients["bob"]
    client.get(url)

    with queries(at_most=at_most):
        response = client.get(url)

    assert response.status_code == 200
