from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from core.testing.page_client import htmx_headers, is_full_page, logged_in_client, visible_text
from tasks.tests.factories import AssigneeFactory, ProjectFactory, TaskFactory

URL = "/tasks/"


def titles(response):
    return [row.task.title for row in response.context["rows"]]


def test_sends_a_stranger_to_the_sign_in_page(client, db):
    response = client.get(f"{URL}?search=x")

    assert response.status_code == 302
    assert response["Location"] == "/login/?next=/tasks/%3Fsearch%3Dx"


def test_shows_what_the_reader_may_see(task, bob, mallory):
    assert titles(logged_in_client(bob).get(URL)) == ["Fix the printer"]
    assert titles(logged_in_client(mallory).get(URL)) == []


def test_shows_staff_everything_but_foreign_inboxes(task, alice, carol):
    TaskFactory(project=ProjectFactory(owner=alice, is_inbox=True), title="Private")

    assert titles(logged_in_client(carol).get(URL)) == ["Fix the printer"]


def test_answers_the_fragment_that_htmx_replaces(task, alice):
    response = logged_in_client(alice).get(URL, headers=htmx_headers("section#results"))

    assert not is_full_page(response)
    assert 'id="results"' in response.content.decode()
    assert "HX-Target" in response["Vary"]


@pytest.mark.parametrize(
    "headers", [{}, htmx_headers("main#main"), {"HX-Request-Type": "full", "HX-Target": "section#results"}]
)
def test_answers_the_whole_page_otherwise(headers, task, alice):
    response = logged_in_client(alice).get(URL, headers=headers)

    assert is_full_page(response)
    assert response["Cache-Control"] == "private, no-store"


@pytest.fixture
def several(project, alice, bob):
    done = project.states.get(slug="done")
    TaskFactory(project=project, title="Late", due_date=timezone.localdate() - timedelta(days=2), priority=4)
    TaskFactory(project=project, title="Today", due_date=timezone.localdate())
    TaskFactory(project=project, title="Done", state=done, closed_at=timezone.now())
    AssigneeFactory(task=TaskFactory(project=project, title="Mine"), user=bob)
    TaskFactory(project=ProjectFactory(key="WEB", owner=bob), title="Elsewhere").labels.create(
        name="bug", project=project
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Elsewhere", "Late", "Mine", "Today"]),
        ("category=all", ["Done", "Elsewhere", "Late", "Mine", "Today"]),
        ("category=done", ["Done"]),
        ("assignee=me", ["Mine"]),
        ("assignee=none", ["Elsewhere", "Late", "Today"]),
        ("due=overdue", ["Late"]),
        ("due=today", ["Today"]),
        ("due=week", ["Today"]),
        ("priority=4", ["Late"]),
        ("project=WEB", ["Elsewhere"]),
        ("label=bug", ["Elsewhere"]),
        ("search=elsew", ["Elsewhere"]),
        ("category=all&closed_from=2000-01-01", ["Done"]),
        ("created_from=2999-01-01", []),
    ],
)
def test_narrows_by_what_stands_in_the_address(query, expected, several, bob):
    response = logged_in_client(bob).get(f"{URL}?{query}")

    assert sorted(titles(response)) == expected
    assert response.context["count"] == len(expected)


def test_names_each_filter_with_a_way_out_of_it(several, bob):
    response = logged_in_client(bob).get(f"{URL}?priority=4&due=overdue&ordering=title")

    assert [(chip.text, chip.url) for chip in response.context["chips"]] == [
        ("Priority: Urgent", "?due=overdue&ordering=title"),
        ("Due: Overdue", "?priority=4&ordering=title"),
    ]


def test_project_page_lists_filters_but_not_its_project(several, bob):
    response = logged_in_client(bob).get("/projects/OPS/?search=nothing+like+this")

    assert [(chip.text, chip.url) for chip in response.context["chips"]] == [("“nothing like this”", "?")]
    assert "No tasks match these filters" in visible_text(response)


@pytest.mark.parametrize(
    "query", ["priority=9", "category=nothing", "project=SECRET", "search=%00", "created_from=soon"]
)
def test_leaves_out_a_filter_it_does_not_know_and_says_so(query, several, bob):
    response = logged_in_client(bob).get(f"{URL}?{query}")

    assert response.status_code == 200
    assert "We ignored the invalid filter" in visible_text(response)


def test_sorts_by_a_column_and_back(several, bob):
    response = logged_in_client(bob).get(f"{URL}?ordering=title")

    assert titles(response) == ["Elsewhere", "Late", "Mine", "Today"]
    assert [column.aria_sort for column in response.context["columns"] if column.aria_sort] == ["ascending"]
    assert response.context["columns"][0].url == "?ordering=-title"


def test_goes_on_and_back_by_cursor(project, alice):
    for _ in range(51):
        TaskFactory(project=project)
    reader = logged_in_client(alice)

    first = reader.get(f"{URL}?ordering=created_at")
    second = reader.get(f"{URL}?ordering=created_at&cursor={first.context['page'].next['cursor']}")
    again = reader.get(f"{URL}?ordering=created_at&cursor={second.context['page'].previous['cursor']}")

    assert len(titles(first)) == 50
    assert titles(second) == ["Task 51"]
    assert titles(again) == titles(first)


def test_refuses_a_cursor_that_is_not_ours(task, alice):
    assert logged_in_client(alice).get(f"{URL}?cursor=made-up").status_code == 400


def test_says_what_to_do_when_there_is_nothing(alice):
    reader = logged_in_client(alice)

    assert "Create a task, or import" in visible_text(reader.get(URL))
    assert "No matching tasks" in visible_text(reader.get(f"{URL}?priority=4"))


def test_costs_the_same_for_one_task_and_for_thirty(project, alice, bob, queries):
    reader = logged_in_client(alice)
    reader.get(URL)
    AssigneeFactory(task=TaskFactory(project=project), user=bob)
    with queries(at_most=16) as small:
        reader.get(URL)

    for number in range(29):
        made = TaskFactory(project=project, due_date=date(2026, 1, 1))
        AssigneeFactory(task=made, user=bob)
        made.labels.create(name=f"label {number}", project=project)

    with queries(equal_to=small):
        assert len(titles(reader.get(URL))) == 30
