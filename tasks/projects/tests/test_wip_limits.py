"""Limits of work in progress: set on a state, kept or warned of by the policy of the project."""

from __future__ import annotations

import pytest

from core.errors import Conflict
from core.testing.concurrency import errors_of_type, run_concurrently
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client
from tasks.items import services as items
from tasks.models import Project, State, Task
from tasks.tests.factories import TaskFactory

pytestmark = pytest.mark.django_db
TASKS, OPS = "/api/v1/tasks/", "/api/v1/projects/OPS/"


def limit(project, *, policy="refuse", slug="in_progress", to=1):
    Project.objects.filter(pk=project.pk).update(wip_policy=policy)
    State.objects.filter(project=project, slug=slug).update(wip_limit=to)
    return State.objects.get(project=project, slug=slug)


def test_limit_and_policy_are_set_by_the_api(clients, project):
    state = project.states.get(slug="todo")
    url, client = f"{OPS}states/{state.pk}/", clients["alice"]
    wrong = [client.patch(url, {"wip_limit": value}).json()["errors"][0]["field"] for value in (0, 1000, "1", True)]

    set_to = [client.patch(url, {"wip_limit": value}).json()["wip_limit"] for value in (3, 3, None, 999)]
    created = client.post(f"{OPS}states/", {"name": "Review", "category": "in_progress", "wip_limit": 2})
    policy = client.patch(OPS, {"wip_policy": "refuse"})

    assert (wrong, set_to) == (["wip_limit"] * 4, [3, 3, None, 999])
    assert client.get(url).json()["version"] == 4
    assert (created.json()["wip_limit"], policy.json()["wip_policy"]) == (2, "refuse")
    assert client.patch(OPS, {"wip_policy": "maybe"}).json()["errors"][0]["field"] == "wip_policy"


def test_full_state_refuses_moves_and_new_tasks(clients, project, task):
    state = limit(project)
    TaskFactory(project=project, state=state)
    clients["alice"].get(OPS)
    before = table_digests()

    moved = clients["alice"].patch(f"{TASKS}OPS-1/", {"status": "in_progress"})
    created = clients["alice"].post(TASKS, {"title": "New", "project": "OPS", "status": "in_progress"})

    for response in (moved, created):
        assert (response.status_code, response.json()["code"]) == (409, "wip_limit")
        assert response.json()["detail"] == "In progress is full: its limit is 1 task."
    assert table_digests() == before


def test_task_in_a_full_state_can_be_changed_and_leave(clients, project):
    state = limit(project)
    task, _ = TaskFactory(project=project, state=state), TaskFactory(project=project, state=state)

    changed = clients["alice"].patch(f"{TASKS}{task.pk}/", {"title": "Other", "status": "in_progress"})
    left = clients["alice"].patch(f"{TASKS}{task.pk}/", {"status": "done"})

    assert [changed.status_code, left.status_code] == [200, 200]


def test_policy_warn_lets_tasks_pass_with_a_message(project, task, alice):
    TaskFactory(project=project, state=limit(project, policy="warn"))
    page = logged_in_client(alice)

    page.post("/tasks/OPS-1/cell/status/", {"status": "in_progress"})

    assert Task.objects.get(pk=task.pk).state.slug == "in_progress"
    assert "In progress now has 2 tasks; its limit is 1." in page.get("/tasks/").content.decode()


def test_policy_refuse_is_said_on_pages(project, task, alice):
    TaskFactory(project=project, state=limit(project))
    page, text = logged_in_client(alice), "In progress is full: its limit is 1 task."

    listed = page.post("/tasks/OPS-1/cell/status/", {"status": "in_progress"}).content.decode()
    form = page.post("/tasks/OPS-1/", {"title": "Fix", "status": "in_progress", "initial-status": "todo"})
    limit(project, slug="todo")
    new = page.post("/tasks/new/", {"title": "New", "project": str(project.pk)})

    assert text in listed
    assert text in form.content.decode()
    assert "To do is full" in new.content.decode()
    assert Task.objects.get(pk=task.pk).state.slug == "todo"


def test_statuses_page_sets_limits(project, alice):
    page, state = logged_in_client(alice), project.states.get(slug="todo")

    page.post(f"/projects/OPS/states/{state.pk}/", {"name": "To do", "wip_limit": "4"})
    page.post(f"/projects/OPS/states/{state.pk}/", {"name": "To do", "wip_limit": "1000"})
    page.post("/projects/OPS/states/", {"name": "Review", "category": "in_progress", "wip_limit": "2"})

    assert dict(project.states.exclude(wip_limit=None).values_list("name", "wip_limit")) == {"To do": 4, "Review": 2}
    assert "less than or equal to 999" in page.get("/projects/OPS/states/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_concurrent_moves_do_not_exceed_a_limit(project, alice):
    state = limit(project, to=2)
    tasks = [TaskFactory(project=project) for _ in range(5)]

    outcomes = run_concurrently(
        (
            lambda task=task: items.update(
                actor=alice, ref=str(task.pk), changes={"status": state.slug}, now=task.created_at
            )
        )
        for task in tasks
    )

    assert Task.objects.filter(state=state).count() == 2
    assert len(errors_of_type(outcomes, Conflict)) == 3
