"""The board of a project: columns, moves, limits of work in progress."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.tests.factories import UserFactory
from core.clock import current_time
from core.testing.page_client import logged_in_client
from events.models import Event
from tasks.items import services as items
from tasks.models import Priority, Project, ProjectMember, Role, Task, WipPolicy
from tasks.tests.factories import CommentFactory, LabelFactory, ProjectFactory, TaskFactory, TaskRelationFactory

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "section#board"}


@pytest.fixture
def alice(db):
    return UserFactory(name="Alice")


@pytest.fixture
def project(alice):
    return ProjectFactory(key="OPS", owner=alice)


@pytest.fixture
def browser(alice):
    return logged_in_client(alice)


def tasks_in(project: Project, slug: str, count: int, **values) -> list[Task]:
    state = project.states.get(slug=slug)
    return TaskFactory.create_batch(count, project=project, state=state, **values)


def order_of(project: Project, slug: str) -> list[str]:
    rows = Task.objects.filter(project=project, state__slug=slug).order_by("position")
    return list(rows.values_list("title", flat=True))


def columns_of(response) -> dict[str, list[str]]:
    columns = response.context["columns"]
    return {column.state.slug: [card.task.title for card in column.cards] for column in columns}


def test_board_shows_open_columns_and_folds_closed_ones(browser, project, alice):
    first, second = tasks_in(project, "todo", 2)
    [done] = tasks_in(project, "done", 1, closed_at=current_time())
    tasks_in(project, "done", 1, closed_at=current_time() - timedelta(days=8))
    TaskRelationFactory(source=first, target=second, kind="blocks")
    CommentFactory.create_batch(2, task=second, author=alice)
    hidden = TaskFactory(title="Of another project")

    page = browser.get("/projects/OPS/board/")
    opened = browser.get("/projects/OPS/board/?open=done")

    assert columns_of(page)["todo"] == [first.title, second.title]
    assert "done" not in columns_of(page)
    assert columns_of(opened)["done"] == [done.title]
    cards = {card.task.pk: card for column in page.context["columns"] for card in column.cards}
    assert (cards[first.pk].is_blocked, cards[second.pk].is_blocked, cards[second.pk].comments) == (False, True, 2)
    assert hidden.title not in page.text


def test_board_needs_as_many_queries_for_many_tasks(browser, project, alice, django_assert_max_num_queries):
    label = LabelFactory(project=project)
    for task in tasks_in(project, "todo", 2):
        task.labels.add(label)
    browser.get("/projects/OPS/board/")
    with django_assert_max_num_queries(40) as few:
        browser.get("/projects/OPS/board/")

    for task in tasks_in(project, "todo", 40, priority=Priority.HIGH):
        task.labels.add(label)
        task.assignees.add(alice)
    with django_assert_max_num_queries(len(few)):
        page = browser.get("/projects/OPS/board/")

    [todo] = [column for column in page.context["columns"] if column.state.slug == "todo"]
    assert (todo.count, len(todo.cards), todo.hidden_count) == (42, 25, 17)
    expanded = browser.get("/projects/OPS/board/?more=todo")
    assert len(columns_of(expanded)["todo"]) == 42
    swimlanes = browser.get("/projects/OPS/board/?swimlanes=priority").context["swimlanes"]
    assert [swimlane.name for swimlane in swimlanes] == ["High", "No priority"]


def test_card_dropped_in_another_column_is_one_write(browser, project):
    todo = tasks_in(project, "todo", 2)
    doing = tasks_in(project, "in_progress", 2)
    events = Event.objects.filter(subject_id=todo[0].pk)

    response = browser.post(
        "/projects/OPS/board/move/",
        {"task": todo[0].pk, "version": 1, "status": "in_progress", "after": doing[0].pk},
        headers=HTMX,
    )

    assert response.status_code == 200
    assert columns_of(response)["in_progress"] == [doing[0].title, todo[0].title, doing[1].title]
    [event] = events
    assert (event.name, set(event.payload["changes"])) == ("task.updated", {"status", "position"})
    undo = browser.post("/undo/", {"token": response.headers["Undo-Token"], "next": "/projects/OPS/board/"})
    assert undo.status_code == 302
    assert order_of(project, "todo") == [task.title for task in todo]
    assert order_of(project, "in_progress") == [task.title for task in doing]


def test_card_is_moved_within_its_column_and_to_its_ends(browser, project):
    first, second, third = tasks_in(project, "todo", 3)
    steps = [
        ({"task": third.pk, "status": "todo", "before": first.pk}, [third, first, second]),
        ({"task": third.pk, "status": "todo", "place": "bottom"}, [first, second, third]),
        ({"task": second.pk, "status": "todo", "place": "top"}, [second, first, third]),
        # Dropped where it was, or sent with an old version after another's move: nothing is lost.
        ({"task": first.pk, "status": "todo", "after": second.pk, "version": 1}, [second, first, third]),
    ]
    for data, expected in steps:
        response = browser.post("/projects/OPS/board/move/", data)

        assert response.status_code == 302
        assert order_of(project, "todo") == [task.title for task in expected]


def test_move_after_anothers_change_conflicts_by_status_alone(browser, project, alice):
    first, second = tasks_in(project, "todo", 2)
    items.update(actor=alice, ref=str(first.pk), changes={"title": "Renamed"}, now=current_time())
    items.update(actor=alice, ref=str(second.pk), changes={"status": "done"}, now=current_time())
    common = {"version": 1, "seen": "todo", "status": "in_progress"}

    renamed = browser.post("/projects/OPS/board/move/", {"task": first.pk, **common}, headers=HTMX)
    moved = browser.post("/projects/OPS/board/move/", {"task": second.pk, **common}, headers=HTMX)

    assert (renamed.status_code, moved.status_code) == (200, 409)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.title, first.state.slug, second.state.slug) == ("Renamed", "in_progress", "done")


def test_refused_move_changes_nothing_and_says_why(browser, project):
    [task] = tasks_in(project, "todo", 1)
    tasks_in(project, "in_progress", 1)
    project.states.filter(slug="in_progress").update(wip_limit=1)
    Project.objects.filter(pk=project.pk).update(wip_policy=WipPolicy.REFUSE)
    foreign = TaskFactory()
    errors = [
        ({"task": task.pk, "status": "in_progress"}, 409),
        ({"task": task.pk, "status": "nonsense"}, 422),
        ({"task": task.pk, "status": "todo", "after": foreign.pk}, 422),
        ({"task": foreign.pk, "status": "todo"}, 404),
        ({"status": "todo"}, 422),
    ]
    before = list(Task.objects.order_by("pk").values_list("pk", "state", "position", "version"))
    for data, status in errors:
        response = browser.post("/projects/OPS/board/move/", data, headers=HTMX)

        assert response.status_code == status, data
        assert "toast" in response.headers["HX-Trigger"]
        assert list(Task.objects.order_by("pk").values_list("pk", "state", "position", "version")) == before


def test_card_is_added_to_a_column_by_its_title(browser, project):
    added = browser.post(
        "/projects/OPS/board/tasks/", {"title": "Water the plants", "status": "in_progress"}, headers=HTMX
    )
    blank = browser.post("/projects/OPS/board/tasks/", {"title": " ", "status": "todo"}, headers=HTMX)

    assert columns_of(added)["in_progress"] == ["Water the plants"]
    assert blank.status_code == 422
    assert Task.objects.count() == 1


def test_viewer_sees_a_board_without_forms(project):
    viewer = UserFactory()
    ProjectMember.objects.create(project=project, user=viewer, role=Role.VIEWER, effective_role=Role.VIEWER)
    [task] = tasks_in(project, "todo", 1)
    client = logged_in_client(viewer)

    page = client.get("/projects/OPS/board/")
    moved = client.post("/projects/OPS/board/move/", {"task": task.pk, "status": "done"})

    assert (page.status_code, "data-move" in page.text, "add-card" in page.text) == (200, False, False)
    assert moved.status_code == 403
    task.refresh_from_db()
    assert task.state.slug == "todo"
