"""Sections of a project: their order, the tasks in them, their page."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from core.testing.page_client import logged_in_client
from tasks.models import Section, Task
from tasks.sections import services
from tasks.tests.factories import AssigneeFactory, ProjectFactory, TaskFactory

pytestmark = pytest.mark.django_db
URL, TASKS = "/api/v1/projects/OPS/sections/", "/api/v1/tasks/"


def names(client):
    return [row["name"] for row in client.get(URL).json()["results"]]


@pytest.fixture
def sections(project):
    return [Section.objects.create(project=project, name=name, position=i) for i, name in enumerate("ABC")]


def test_sections_are_created_renamed_moved_and_deleted(clients, project, outbox):
    client = clients["bob"]
    created = [client.post(URL, {"name": name}) for name in ("A", "B", "C")]
    url = created[2]["Location"]

    moved = client.patch(url, {"position": 0, "name": "First"})
    same = client.patch(url, {"position": 0, "name": "First"})
    beyond = client.patch(created[0]["Location"], {"position": 99})
    stale = client.patch(url, {"name": "Other"}, headers={"If-Match": '"1"'})

    assert [response.status_code for response in created] == [201] * 3
    assert [moved.json()["position"], same.json()["version"], beyond.json()["position"]] == [0, 2, 2]
    assert (stale.status_code, names(client)) == (412, ["First", "B", "A"])
    assert client.delete(url).status_code == 204
    assert names(client) == ["B", "A"]
    assert outbox.payloads("project.updated")[0]["changes"] == {"sections": [[], ["A"]]}


def test_sections_beyond_the_limit_are_refused(clients, sections, monkeypatch):
    monkeypatch.setattr(services, "MAX_SECTIONS", 3)

    response = clients["alice"].post(URL, {"name": "D"})

    assert (response.status_code, response.json()["code"]) == (409, "too_many")
    assert Section.objects.count() == 3


def test_section_of_a_task_is_set_and_removed(clients, sections, outbox):
    client, section = clients["alice"], sections[1]
    created = client.post(TASKS, {"title": "New", "project": "OPS", "section": str(section.pk)})
    url = f"{TASKS}{created.json()['id']}/"

    removed = client.patch(url, {"section": None})
    put_back = client.patch(url, {"section": str(section.pk)})

    assert created.json()["section"] == {"id": str(section.pk), "name": "B"}
    assert (removed.json()["section"], put_back.json()["section"]["name"]) == (None, "B")
    assert client.get(TASKS).json()["results"][0]["section"]["name"] == "B"
    assert outbox.payloads("task.updated")[0]["changes"] == {"section": [str(section.pk), None]}
    undone = client.post("/api/v1/undo/", {"token": put_back["Undo-Token"]})
    assert (undone.status_code, client.get(url).json()["section"]) == (200, None)


def test_section_of_another_project_is_refused(clients, task, alice):
    foreign = Section.objects.create(project=ProjectFactory(owner=alice), name="Foreign")
    sent = {"section": str(foreign.pk)}

    responses = [
        clients["alice"].patch(f"{TASKS}OPS-1/", sent),
        clients["alice"].post(TASKS, {"title": "New", "project": "OPS", **sent}),
    ]

    assert [(r.status_code, r.json()["errors"][0]["field"]) for r in responses] == [(400, "section")] * 2
    assert Task.objects.get().section is None
    with pytest.raises(IntegrityError), transaction.atomic():  # noqa: PT012 -- the constraint is deferred
        Task.objects.update(section=foreign)
        connection.check_constraints()


def test_deleted_section_comes_back_with_its_tasks(clients, sections, project):
    task = TaskFactory(project=project, section=sections[0])
    clients["alice"].delete(f"{URL}{sections[0].pk}/")
    without = clients["alice"].get(f"{TASKS}{task.pk}/").json()["section"]
    [entry] = clients["alice"].get("/api/v1/trash/").json()["results"]

    restored = clients["alice"].post(f"/api/v1/trash/{entry['id']}/restore/")

    assert (without, entry["kind"], restored.status_code) == (None, "section", 200)
    assert names(clients["alice"]) == ["B", "C", "A"]
    assert clients["alice"].get(f"{TASKS}{task.pk}/").json()["section"]["name"] == "A"


def test_pages_choose_and_group_by_section(sections, project, alice, queries):
    page, section = logged_in_client(alice), sections[2]
    page.post("/tasks/new/", {"title": "In C", "project": str(project.pk), "section": str(section.pk)})
    page.post("/tasks/new/", {"title": "In none", "project": str(project.pk)})
    page.post("/tasks/OPS-2/", {"title": "In A", "section": str(sections[0].pk)})
    page.post("/projects/OPS/sections/", {"name": "D"})
    page.post(f"/projects/OPS/sections/{section.pk}/", {"position": "0"})

    grouped = page.get("/projects/OPS/?group=section").content.decode()

    assert list(Section.objects.order_by("position").values_list("name", flat=True)) == ["C", "A", "B", "D"]
    assert dict(Task.objects.values_list("title", "section__name")) == {"In C": "C", "In A": "A"}
    assert grouped.index("In C") < grouped.index("In A")
    assert grouped.count('scope="rowgroup"') == 2
    assert 'scope="rowgroup"' not in page.get("/projects/OPS/").content.decode()


def test_groups_are_whole_across_pages(sections, project, alice, bob, queries, monkeypatch):
    monkeypatch.setattr("tasks.items.pages.PAGE_SIZE", 3)
    states = list(project.states.order_by("position"))
    for number in range(8):
        task = TaskFactory(project=project, section=[*sections[:2], None][number % 3], state=states[number % 2])
        if number % 2:
            AssigneeFactory(task=task, user=bob)
        if number % 4 == 1:
            AssigneeFactory(task=task, user=alice)
    page = logged_in_client(alice)
    expected = {
        "/projects/OPS/?group=section": [("A", 3), ("B", 3), ("No section", 2)],
        "/projects/OPS/?group=state": [(states[0].name, 4), (states[1].name, 4)],
        "/projects/OPS/?group=assignee": [("Alice", 2), ("Bob", 2), ("Unassigned", 4)],
        "/tasks/?group=state&ordering=due_date": [("To do", 4), ("In progress", 4)],
        "/tasks/?group=assignee&ordering=title": [("Alice", 2), ("Bob", 2), ("Unassigned", 4)],
    }
    for url, groups in expected.items():
        rows, keys = [], []
        for number in (1, 2, 3):
            context = page.get(f"{url}&page={number}").context
            for row in context["rows"]:
                name = row.task.group_name or context["ungrouped_name"]
                rows.append((name, row.task.group_total))
                keys.append(row.task.pk)
        assert list(dict.fromkeys(rows)) == groups, url
        assert rows == [pair for pair in groups for _ in range(pair[1])], url
        assert len(set(keys)) == 8, url

    with queries() as small:
        page.get("/projects/OPS/?group=assignee")
    monkeypatch.setattr("tasks.items.pages.PAGE_SIZE", 8)
    with queries(equal_to=small):
        page.get("/projects/OPS/?group=assignee")
    monkeypatch.setattr("tasks.items.pages.PAGE_SIZE", 3)
    beyond = page.get("/projects/OPS/?group=section&page=99").context["rows"]
    nonsense = page.get("/projects/OPS/?group=nothing&page=x")
    monkeypatch.setattr("tasks.items.page_queries.MAX_COUNT", 5)
    too_many = page.get("/projects/OPS/?group=section").content.decode()

    assert len(beyond) == 2
    assert not nonsense.context["is_grouped"]
    assert "Narrow the filter to group them" in too_many
