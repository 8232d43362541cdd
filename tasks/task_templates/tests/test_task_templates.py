"""Task templates: saved from a task or sent, used for new tasks, copied with the settings of a project."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.testing.page_client import logged_in_client
from tasks.models import Project, Task, TaskTemplate
from tasks.task_templates import services
from tasks.tests.factories import (
    ChecklistItemFactory,
    FieldFactory,
    FieldValueFactory,
    LabelFactory,
    OptionFactory,
    TaskFactory,
)

pytestmark = pytest.mark.django_db
URL, TASKS = "/api/v1/projects/OPS/templates/", "/api/v1/tasks/"


@pytest.fixture
def full_task(project, task):
    day = task.created_at.astimezone(UTC).date()
    Task.objects.filter(pk=task.pk).update(
        description="How", priority=3, estimate=30, start_date=day, due_date=day + timedelta(2)
    )
    task.labels.add(LabelFactory(project=project, name="urgent"))
    ChecklistItemFactory(task=task, text="Toner", position=0)
    field = FieldFactory(project=project, kind="select", key="severity")
    FieldValueFactory(task=task, field=field, option=OptionFactory(field=field, slug="low"))
    TaskFactory(project=project, parent=task, title="Call support")
    return task


def test_template_of_a_task_makes_the_same_task(clients, full_task):
    client = clients["bob"]
    template = client.post(URL, {"name": "Printer", "task": "OPS-1"})
    url = template["Location"]

    made = client.post(f"{url}tasks/", {})
    named = client.post(f"{url}tasks/", {"title": "Fix the other printer"})

    assert (template.status_code, made.status_code) == (201, 201)
    body = made.json()
    plain = ("title", "description", "priority", "estimate", "labels")
    assert [body[name] for name in plain] == ["Fix the printer", "How", "high", 30, ["urgent"]]
    start, due = (datetime.fromisoformat(body[name]) for name in ("start_date", "due_date"))
    assert due - start == timedelta(2)
    task = Task.objects.get(pk=body["id"])
    assert list(task.checklist.values_list("text", "is_done")) == [("Toner", False)]
    assert list(task.subtasks.values_list("title", flat=True)) == ["Call support"]
    assert client.get(f"{TASKS}{task.pk}/fields/").json()["fields"]["severity"] == "low"
    assert named.json()["title"] == "Fix the other printer"


def test_template_is_changed_and_deleted_and_has_its_own_name(clients, project):
    client, content = clients["bob"], {"title": "Close the books", "due_in_days": 3, "subtasks": [{"title": "Count"}]}
    url = client.post(URL, {"name": "Monthly", "content": content})["Location"]
    taken = client.post(URL, {"name": "MONTHLY", "content": content})
    renamed = client.patch(url, {"name": "Yearly"})

    assert (taken.status_code, taken.json()["errors"][0]["code"]) == (400, "taken")
    patched = client.patch(url, {"content": {"priority": "high"}}).json()["content"]
    untitled = client.patch(url, {"content": {"subtasks": [{"priority": "low"}]}})
    assert (renamed.json()["name"], patched["title"], patched["due_in_days"]) == ("Yearly", "Close the books", 3)
    assert (patched["priority"], patched["subtasks"][0]["title"]) == ("high", "Count")
    assert (untitled.status_code, untitled.json()["errors"][0]["field"]) == (400, "content.subtasks")
    assert [row["name"] for row in client.get(URL).json()["results"]] == ["Yearly"]
    assert client.delete(url).status_code == 204
    assert not TaskTemplate.objects.exists()


def test_bad_templates_are_refused(clients, project, task, inbox, monkeypatch):
    foreign = TaskFactory(project=inbox)
    content = {"title": "New"}
    bodies = [
        {"name": "A"},
        {"name": "A", "task": "OPS-1", "content": content},
        {"name": "A", "task": str(foreign.pk)},
        {"name": "A", "content": {"title": ""}},
        {"name": "A", "content": {"title": "New", "due_in_days": 3651}},
        {"name": "A", "content": {"title": "New", "subtasks": [content] * 51}},
        {"name": "A", "content": {"title": "New", "checklist": ["Step"] * 101}},
        {"name": "A", "content": {"title": "New", "subtasks": [{"title": "Sub", "subtasks": []}]}},
    ]
    statuses = [clients["alice"].post(URL, body).status_code for body in bodies]
    monkeypatch.setattr(services, "MAX_TEMPLATES", 0)
    full = clients["alice"].post(URL, {"name": "A", "content": content})

    assert statuses == [400] * len(bodies)
    assert (full.status_code, full.json()["code"]) == (409, "too_many")
    assert not TaskTemplate.objects.exists()


def test_removed_fields_are_left_out_of_new_tasks(clients, project):
    content = {"title": "New", "fields": {"gone": "x"}}
    url = clients["alice"].post(URL, {"name": "A", "content": content})["Location"]

    assert clients["alice"].post(f"{url}tasks/", {}).status_code == 201


def test_pages_save_and_use_templates(full_task, project, alice):
    page = logged_in_client(alice)
    saved = page.post("/tasks/OPS-1/template/")
    template = TaskTemplate.objects.get()

    offered = page.get(f"/tasks/new/?project={project.pk}").content.decode()
    used = page.post(f"/projects/OPS/templates/{template.pk}/tasks/", {"title": "Again"})
    count = Task.objects.count()
    refused = page.post(f"/projects/OPS/templates/{template.pk}/tasks/", {"title": "A\x00b"}, follow=True)
    page.post(f"/projects/OPS/templates/{template.pk}/", {"name": "Printer"})

    assert (refused.status_code, Task.objects.count()) == (200, count)
    assert "The task wasn&#x27;t created" in refused.content.decode()
    assert saved["Location"] == "/projects/OPS/templates/"
    assert f'formaction="/projects/OPS/templates/{template.pk}/tasks/"' in offered
    assert Task.objects.get(title="Again").checklist.count() == 1
    assert used["Location"].startswith("/tasks/OPS-")
    assert "Printer" in page.get("/projects/OPS/templates/").content.decode()


def test_project_from_another_has_its_settings(clients, full_task, project, alice):
    client = clients["alice"]
    project.sections.create(name="Phase 1")
    project.states.create(slug="review", name="Review", category="in_progress", position=4, wip_limit=2)
    Project.objects.filter(pk=project.pk).update(wip_policy="refuse")
    client.post(URL, {"name": "Printer", "task": "OPS-1"})
    page = logged_in_client(alice)

    page.post("/projects/new/", {"key": "NEW", "name": "New", "template": "OPS"})
    hidden = clients["mallory"].post("/api/v1/projects/", {"key": "HID", "name": "Hidden", "template": "OPS"})

    new = Project.objects.get(key="NEW")
    assert (new.wip_policy, new.memberships.count(), new.tasks.count()) == ("refuse", 1, 0)
    assert list(new.states.order_by("position").values_list("slug", "wip_limit"))[-1] == ("review", 2)
    assert list(new.sections.values_list("name", flat=True)) == ["Phase 1"]
    assert list(new.labels.values_list("name", flat=True)) == ["urgent"]
    assert new.own_fields.get().options.get().slug == "low"
    made = client.post(f"/api/v1/projects/NEW/templates/{new.task_templates.get().pk}/tasks/", {})
    assert (made.status_code, made.json()["key"]) == (201, "NEW-1")
    assert (hidden.status_code, hidden.json()["errors"][0]["field"]) == (400, "template")
    assert not Project.objects.filter(key="HID").exists()
