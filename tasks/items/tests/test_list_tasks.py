"""Task list of the API: filters, order, and the number of queries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from tasks.models import Task
from tasks.tests.factories import AssigneeFactory, CommentFactory, LabelFactory, ProjectFactory, TaskFactory

TASKS = "/api/v1/tasks/"
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def numbers(response):
    assert response.status_code == 200, response.content
    return [row["number"] for row in response.json()["results"]]


@pytest.fixture
def varied(project, alice, bob, settings):
    """Six tasks of OPS, each different, and one of another project of alice's; the clock stands at NOW."""
    states = {state.slug: state for state in project.states.all()}
    one = TaskFactory(project=project, title="Fix the gateway", priority=4, due_date=date(2026, 5, 1))
    two = TaskFactory(project=project, title="Write docs", state=states["in_progress"], due_at=NOW - timedelta(hours=1))
    TaskFactory(
        project=project, title="Ship it", state=states["done"], closed_at=NOW, due_date=date(2026, 5, 1), creator=bob
    )
    four = TaskFactory(project=project, title="Paint the fence", parent=one, due_date=date(2026, 5, 4), estimate=30)
    TaskFactory(project=project, title="Drop", state=states["cancelled"], closed_at=NOW, priority=1)
    six = TaskFactory(project=project, title="Later", description="the gateway again", due_at=NOW + timedelta(days=3))
    TaskFactory(project=ProjectFactory(key="ZETA", owner=alice), title="Elsewhere")
    AssigneeFactory(task=one, user=alice)
    AssigneeFactory(task=two, user=bob)
    AssigneeFactory(task=four, user=bob)
    AssigneeFactory(task=four, user=alice)
    four.labels.add(LabelFactory(project=project, name="red"))
    six.labels.add(LabelFactory(project=project, name="blue"))
    Task.objects.filter(pk=six.pk).update(updated_at=NOW + timedelta(days=1))
    Task.objects.exclude(pk=six.pk).update(updated_at=NOW - timedelta(days=1))
    return {"alice": alice.pk, "bob": bob.pk, "one": one.pk}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=todo", [1, 4, 6]),
        ("status=todo,in_progress", [1, 2, 4, 6]),
        ("status=unheard", []),
        ("category=done,cancelled", [3, 5]),
        ("priority=urgent,low", [1, 5]),
        ("priority=none", [2, 3, 4, 6]),
        ("assignee=me", [1, 4]),
        ("assignee={bob}", [2, 4]),
        ("assignee={bob},none", [2, 3, 4, 5, 6]),
        ("assignee=none", [3, 5, 6]),
        ("creator={bob}", [3]),
        ("creator=me,{bob}", [1, 2, 3, 4, 5, 6]),
        ("label=red", [4]),
        ("label=red&label=blue", [4, 6]),
        ("label=red,blue", []),
        ("label=RED", []),
        ("parent={one}", [4]),
        ("parent=none", [1, 2, 3, 5, 6]),
        ("overdue=true", [1, 2]),
        ("overdue=false", [3, 4, 5, 6]),
        ("due_after=2026-05-04", [2, 4, 6]),
        ("due_before=2026-05-01", [1, 3]),
        ("due_after=2026-05-02&due_before=2026-05-04", [2, 4]),
        ("updated_since=2026-05-04T12:00:00Z", [6]),
        ("updated_since=2026-05-05T14:00:00%2B02:00", [6]),
        ("category=todo&assignee=me&priority=urgent", [1]),
        ("search=gateway", [1, 6]),
        ("search=gate", [1, 6]),
        ("search=GATEWAY the", [1, 6]),
        ("search=gatway", [1]),
        ("search=OPS-4", [4]),
        ("search=ops-4", [4]),
        ("search=OPS-99", []),
        ("search=nothing alike", []),
    ],
)
def test_filters_find_exactly_their_tasks(query, expected, varied, clients):
    with time_machine.travel(NOW, tick=False):
        response = clients["alice"].get(f"{TASKS}?project=OPS&ordering=number&{query.format(**varied)}")

    assert numbers(response) == expected


def test_words_that_look_like_a_key_are_still_words(clients, project):
    TaskFactory(project=project, title="Order covid-19 tests")
    TaskFactory(project=project, title="Other")

    assert numbers(clients["alice"].get(f"{TASKS}?search=covid-19")) == [1]


def test_project_filter_takes_key_or_id_and_hides_foreign(varied, clients, project):
    foreign = TaskFactory()

    results = {
        "key": len(numbers(clients["alice"].get(f"{TASKS}?project=ops"))),
        "id": len(numbers(clients["alice"].get(f"{TASKS}?project={project.pk}"))),
        "all": len(numbers(clients["alice"].get(TASKS))),
        "foreign": numbers(clients["alice"].get(f"{TASKS}?project={foreign.project.key}")),
        "none": numbers(clients["alice"].get(f"{TASKS}?project=NONE")),
        "by its key": numbers(clients["alice"].get(f"{TASKS}?search={foreign.key}")),
        "by its parent": numbers(clients["alice"].get(f"{TASKS}?parent={foreign.pk}")),
    }

    assert results == {"key": 6, "id": 6, "all": 7, "foreign": [], "none": [], "by its key": [], "by its parent": []}


def test_overdue_is_asked_in_the_readers_calendar(varied, clients, alice):
    alice.time_zone = "Pacific/Kiritimati"  # already 5 May there
    alice.save()

    with time_machine.travel(NOW, tick=False):
        response = clients["alice"].get(f"{TASKS}?overdue=true&ordering=number")

    assert numbers(response) == [1, 2, 4]


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        ("number", [1, 2, 3, 4, 5, 6]),
        ("-number", [6, 5, 4, 3, 2, 1]),
        ("title", [5, 1, 6, 4, 3, 2]),
        ("priority", [2, 3, 4, 6, 5, 1]),
        ("-priority", [1, 5, 6, 4, 3, 2]),
        ("due_date", [1, 3, 2, 4, 6, 5]),
        ("-due_date", [6, 4, 2, 3, 1, 5]),
        ("-estimate", [4, 6, 5, 3, 2, 1]),
        ("-updated_at", [6, 5, 4, 3, 2, 1]),
        ("due_at", [1, 3, 2, 4, 6, 5]),
    ],
)
def test_nulls_come_last_and_ties_follow_the_id(ordering, expected, varied, clients):
    assert numbers(clients["alice"].get(f"{TASKS}?project=OPS&ordering={ordering}")) == expected


def test_list_is_newest_first_and_without_descriptions(varied, clients):
    rows = clients["alice"].get(f"{TASKS}?project=OPS").json()["results"]
    with_text = clients["alice"].get(f"{TASKS}?project=OPS&include=description&limit=1").json()["results"]

    assert [row["number"] for row in rows] == [6, 5, 4, 3, 2, 1]
    assert "description" not in rows[0]
    assert with_text[0]["description"] == "the gateway again"


def test_fields_are_chosen(varied, clients):
    rows = clients["alice"].get(f"{TASKS}?project=OPS&fields=key,title&limit=1").json()["results"]
    one = clients["alice"].get(f"{TASKS}OPS-1/?fields=key,version").json()

    assert (rows, one) == ([{"key": "OPS-6", "title": "Later"}], {"key": "OPS-1", "version": 1})


def test_numbered_pages_have_totals(varied, clients):
    client = clients["alice"]

    pages = [client.get(f"{TASKS}?project=OPS&ordering=number&limit=4&page={page}").json() for page in (1, 2, 3)]

    assert [[row["number"] for row in page["results"]] for page in pages] == [[1, 2, 3, 4], [5, 6], []]
    assert {(page["count"], page["pages"]) for page in pages} == {(6, 2)}
    assert [page["page"] for page in pages] == [1, 2, 3]
    assert [(page["previous"] is None, page["next"] is None) for page in pages] == [
        (True, False),
        (False, True),
        (False, True),
    ]
    assert numbers(client.get(pages[0]["next"])) == [5, 6]
    assert numbers(client.get(pages[1]["previous"])) == [1, 2, 3, 4]
    assert numbers(client.get(pages[2]["previous"])) == [5, 6]


def test_numbered_pages_end_where_counting_would_cost_too_much(clients, alice):
    answers = {page: clients["alice"].get(f"{TASKS}?limit=100&page={page}") for page in (100, 101)}

    assert [response.status_code for response in answers.values()] == [200, 400]
    assert answers[101].json()["errors"][0]["code"] == "too_deep"


@pytest.mark.parametrize(
    "path", ["tasks/", "tasks/?include=description", "tasks/?search=task", "tasks/?page=1", "projects/", "labels/",
             "tasks/OPS-1/comments/", "tasks/OPS-1/activity/", "projects/OPS/members/", "projects/OPS/states/", "users/",
             "sessions/", "teams/", "notifications/"]
)  # fmt: skip
def test_list_costs_the_same_for_one_row_and_for_many(path, clients, task, bob, team, queries):
    from notifications.tests.factories import make_notification

    client, url = clients["bob"], f"/api/v1/{path}"
    grow(task, bob)
    make_notification(bob)
    client.patch("/api/v1/tasks/OPS-1/", {"title": "task"})
    client.get(url)
    with queries(at_most=9) as small:
        client.get(url)
    for _ in range(8):
        grow(task, bob)
        make_notification(bob)

    with queries(equal_to=small):
        response = client.get(url)

    assert response.status_code == 200


def grow(task, bob):
    """One more of everything that a list may show."""
    from accounts.tests.factories import SessionFactory, TeamFactory, TeamMemberFactory
    from tasks.tests.factories import MemberFactory

    another = TaskFactory(project=task.project, parent=task)
    AssigneeFactory(task=another, user=bob)
    another.labels.add(LabelFactory(project=task.project))
    CommentFactory(task=task, author=MemberFactory(project=task.project).user)
    MemberFactory(project=ProjectFactory(), user=bob)
    SessionFactory(user=bob)
    TeamMemberFactory(team=TeamFactory(), user=bob)
