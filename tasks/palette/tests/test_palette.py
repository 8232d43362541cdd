"""The command palette: what it offers to whom, and how many queries it takes."""

from __future__ import annotations

import pytest

from core.testing.page_client import logged_in_client
from tasks.favourites import services as favourites
from tasks.models import TaskWatch
from tasks.tests.factories import ProjectFactory, TaskFactory

pytestmark = pytest.mark.django_db
URL = "/palette/"


def offered(client, **params):
    """Return the labels by group."""
    response = client.get(URL, params)
    assert response.status_code == 200
    return {group.title: [command.label for command in group.commands] for group in response.context["groups"]}


def test_palette_offers_pages_projects_tasks_and_creation(project, alice):
    ProjectFactory(owner=alice, key="MOON", name="Moon landing")
    task = TaskFactory(project=project, title="Rotate the moon certificate")
    favourites.set_favourite(actor=alice, ref="OPS", is_favourite=True)
    page = logged_in_client(alice)

    start = offered(page)
    assert (start["Create"], start["Favourites"]) == (["New task"], [project.name])
    assert "Overview" in start["Go to"]
    for text, group, label in (
        ("inb", "Go to", "Inbox"),
        ("dark", "Appearance", "Theme: Dark"),
        ("dark", "Go to", "Settings"),
        ("moon", "Projects", "Moon landing"),
        ("moo", "Projects", "Moon landing"),
        ("moon bo", "Projects", "Moon landing: Board"),
        ("moon calen", "Projects", "Moon landing: Calendar"),
        ("certificate", "Tasks", task.title),
        (task.key.lower(), "Tasks", task.title),
        ("moon certificate", "Create", "Create task “moon certificate”"),
    ):
        assert label in offered(page, q=text).get(group, []), text
    assert "Administration" not in str(offered(page, q="admin"))


def test_task_actions_follow_the_rights_of_the_reader(project, task, clients, alice, bob, viewer):
    task.assignees.set([bob])
    params = {"task": task.key}

    editor, reader = offered(logged_in_client(alice), **params), offered(logged_in_client(viewer), **params)

    assert editor[task.key] == [
        "Complete", "Edit", "Start timer", "Watch" if "Watch" in editor[task.key] else "Stop watching", "Copy reference",
        f"Assign to me instead of {bob.name}", "Duplicate",
    ]  # fmt: skip
    assert reader[task.key] == ["Watch", "Copy reference"]
    assert offered(logged_in_client(alice), q="timer", **params)[task.key] == ["Start timer"]


def test_palette_actions_change_the_task(project, task, bob):
    page = logged_in_client(bob)
    commands = {
        command.label: command
        for group in page.get(URL, {"task": task.key, "next": "/inbox/"}).context["groups"]
        for command in group.commands
    }

    for label in ("Complete", "Start timer", "Watch", "Assign to me", "Duplicate"):
        if label in commands:
            assert page.post(commands[label].url, commands[label].values).status_code == 302, label
    [create] = page.get(URL, {"q": "Buy stamps", "project": str(project.pk)}).context["groups"][-1].commands
    page.post(create.url, create.values)

    task.refresh_from_db()
    assert (task.is_closed, list(task.assignees.all())) == (True, [bob])
    assert task.time_entries.filter(user=bob, ended_at=None).exists()
    assert project.tasks.filter(title__contains=task.title).count() == 2
    assert project.tasks.filter(title="Buy stamps").exists()
    assert TaskWatch.objects.filter(task=task, user=bob).exists() or "Watch" not in commands


def test_hidden_tasks_and_projects_never_appear(project, task, clients, mallory):
    hidden = TaskFactory(project=project, title="Secret merger")
    page = logged_in_client(mallory)

    for params in ({"q": "merger"}, {"q": hidden.key}, {"q": "OPS"}, {"q": "ops board"}, {"task": hidden.key}):
        text = page.get(URL, params).content.decode()
        assert "Secret merger" not in text
        assert project.name not in text
        assert f"/tasks/{hidden.key}/" not in text


def test_invalid_text_is_refused_with_a_reason(alice):
    page = logged_in_client(alice)

    for text, reason in (("x" * 201, "at most 200 characters"), ("a " * 21, "at most 20 words")):
        response = page.get(URL, {"q": text})
        assert response.context["groups"] == []
        assert reason in response.content.decode()
    assert page.get(URL, {"q": "a\x00b"}).context["groups"] == []


def test_query_budget_is_the_same_for_more_rows(project, task, alice, queries):
    page = logged_in_client(alice)
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#palette-results"}

    def ask(**params):
        return page.get(URL, params, headers=headers)

    ask(q="note")
    ask()  # favourites are cached
    with queries(at_most=12):
        assert "listbox" in ask(q="note").content.decode()
    with queries(at_most=16) as actions:
        ask(task=task.key)
    for number in range(12):
        TaskFactory(project=project, title=f"Note {number}")
        ProjectFactory(owner=alice, name=f"Note {number}")
    with queries(at_most=12):
        response = ask(q="note")
    with queries(equal_to=actions):
        ask(task=task.key)
    assert {group.title: len(group.commands) for group in response.context["groups"]} == {
        "Projects": 5,
        "Tasks": 8,
        "Create": 1,
    }
