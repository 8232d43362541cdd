"""A list that is walked by parts or by person is the list: each row once, in order, whichever way one goes."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter

import pytest
from django.http import QueryDict

from accounts.tests.factories import UserFactory
from core.api.query_params import parse_query
from tasks.filters import selectors as filters_selectors
from tasks.filters.query_params import TaskQuery, filters_from_params
from tasks.models import Task, TaskAssignee
from tasks.tests.factories import AssigneeFactory, MemberFactory, ProjectFactory, TaskFactory, TaskShareFactory

TASKS = "/api/v1/tasks/"
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
QUERIES = ["status=todo", "status=done,in_progress", "category=todo,done", "project=OPS&status=todo", "overdue=true",
    "assignee=me", "assignee=me&category=todo", "assignee=me&project=OPS", "status=unheard-of", "project=NONE&status=todo",
    "filter=assignee:@me OR creator:@me", "filter=(creator:@me OR assignee:@me,@bob) state:open -priority:urgent",
]  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture
def guest(project):
    """A member of OPS who has shares of tasks there and in a hidden project."""
    return MemberFactory(project=project, user=UserFactory(handle="guest")).user


@pytest.fixture
def guest_of_staff(db):
    return UserFactory(handle="guest_of_staff", role="staff")


@pytest.fixture
def work(project, alice, bob, guest, guest_of_staff):
    """Forty tasks in three projects, with ties in every order; made in an order that is not theirs."""
    other = ProjectFactory(key="ZETA", owner=alice)
    MemberFactory(project=other, user=bob)
    for user, zone in ((alice, "Pacific/Auckland"), (bob, "America/New_York"), (guest, "Asia/Kolkata")):
        user.time_zone = zone
        user.save()
    hidden = ProjectFactory(key="HID", owner=alice, is_inbox=True)
    for number in range(40):
        home = (project, other, hidden)[number % 3]
        slug = ("todo", "in_progress", "done")[number % 7 % 3]
        task = TaskFactory(
            project=home,
            state=home.states.get(slug=slug),
            closed_at=MONDAY if slug == "done" else None,
            created_at=MONDAY + timedelta(hours=number * 17 % 11),
            updated_at=MONDAY + timedelta(hours=number * 5 % 7),
            due_date=date(2026, 3, 1) + timedelta(days=number % 5) if number % 4 > 1 else None,
            due_at=MONDAY + timedelta(hours=number * 7 % 60) if number % 4 == 1 else None,
        )
        for user in (alice, bob)[: number % 5 % 3]:
            AssigneeFactory(task=task, user=user)
        if number % 6 in {0, 5}:
            TaskShareFactory(task=task, user=guest)
            TaskShareFactory(task=task, user=guest_of_staff)
    return Task.objects.all()


def keys(client, url):
    """Walk to the end and back; returns the ids of both ways."""
    there, back, page = [], [], {}
    while url:
        page = client.get(url).json()
        there += [row["id"] for row in page["results"]]
        url = page["next"]
    back = [row["id"] for row in page["results"]]
    while url := page["previous"]:
        page = client.get(url).json()
        back = [row["id"] for row in page["results"]] + back
    return there, back


@pytest.mark.parametrize("ordering", ["created_at", "-created_at", "-updated_at", "due_date", "-due_date", "title"])
def test_pages_return_each_row_once_in_order(ordering, work, clients, request, subtests):
    column = ordering.lstrip("-")
    for username in ("alice", "bob", "carol", "mallory", "guest", "guest_of_staff"):
        user = request.getfixturevalue(username)
        for query in QUERIES:
            with subtests.test(f"{username} {query}"):
                tasks = filters_selectors.filter_visible(
                    user, filters_from_params(parse_query(TaskQuery, QueryDict(query)), user)
                )
                page_request = filters_selectors.TASK_SORTS[column]
                expected = _in_order(
                    user, tasks, column, descending=ordering.startswith("-"), nullable=page_request.nullable
                )

                there, back = keys(clients[username], f"{TASKS}?limit=4&fields=id&ordering={ordering}&{query}")

                assert (there, back) == (expected, expected)


def _in_order(user, tasks, column, *, descending, nullable):
    zone = zoneinfo.ZoneInfo(user.time_zone)

    def due(row):
        if row.due_date:
            return datetime.combine(row.due_date + timedelta(days=1), time(), tzinfo=zone)
        return row.due_at

    value = due if column == "due_date" else attrgetter(column)
    rows = sorted(tasks, key=lambda row: (value(row) or MONDAY, row.pk), reverse=descending)
    if nullable:
        rows.sort(key=lambda row: value(row) is None)
    return [str(row.pk) for row in rows]


def test_assignment_copies_created_at_of_its_task(alice, task):
    TaskAssignee.objects.create(task=task, user=alice, task_created_at=MONDAY)
    first = TaskAssignee.objects.get().task_created_at

    Task.objects.filter(pk=task.pk).update(created_at=MONDAY)

    assert first == task.created_at
    assert TaskAssignee.objects.get().task_created_at == MONDAY
