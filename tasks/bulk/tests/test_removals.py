"""Deletion of many tasks: all or none, and one undo that brings them back as they were."""

from __future__ import annotations

from functools import partial

import pytest
from django.utils import timezone

from core.testing.concurrency import run_concurrently
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client
from tasks.bulk import removals
from tasks.models import Comment, Project, Task, TrashEntry
from tasks.tests.factories import CommentFactory, MemberFactory, ProjectFactory, TaskFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/tasks/bulk/delete/"


def ids(tasks):
    return [str(task.pk) for task in tasks]


def test_deletion_of_many_is_undone_and_redone_at_once(clients, project):
    client = clients["alice"]
    parent = TaskFactory(project=project)
    subtasks = TaskFactory.create_batch(2, project=project, parent=parent)
    CommentFactory(task=subtasks[0])
    remaining_task = TaskFactory(project=project, parent=parent)
    before = client.get("/api/v1/tasks/?limit=10").json()["results"]

    # The subtasks have later ids; one whose parent is deleted before it loses the parent, and gets it back.
    deleted = client.post(URL, {"ids": ids([subtasks[1], parent, subtasks[0]])})
    left = [row["key"] for row in client.get("/api/v1/tasks/?limit=10").json()["results"]]
    undone = client.post("/api/v1/undo/", {"token": deleted["Undo-Token"]})
    after = client.get("/api/v1/tasks/?limit=10").json()["results"]
    redone = client.post("/api/v1/undo/", {"token": undone["Undo-Token"]})

    assert (deleted.status_code, deleted.json(), left) == (200, {"deleted": 3}, [remaining_task.key])
    assert undone.status_code == 200
    volatile = {"version", "updated_at"}
    stable = [{name: value for name, value in row.items() if name not in volatile} for row in before]
    assert [{name: value for name, value in row.items() if name not in volatile} for row in after] == stable
    assert redone.status_code == 200
    assert (Task.objects.count(), Comment.objects.count(), TrashEntry.objects.count()) == (1, 0, 3)


def test_deletion_of_many_is_refused_whole(clients, project, alice, monkeypatch):
    own = TaskFactory.create_batch(3, project=project)
    hidden = TaskFactory()
    readable = TaskFactory(project=ProjectFactory(key="READ"))
    MemberFactory(project=readable.project, user=alice, role="viewer")
    archived = TaskFactory(project=ProjectFactory(key="OLD", owner=alice))
    Project.objects.filter(key="OLD").update(archived_at=timezone.now())
    monkeypatch.setattr(removals.storage, "MAX_ROWS", 3)
    CommentFactory.create_batch(2, task=own[2])
    client = clients["alice"]
    before = table_digests()
    cases = {
        "hidden": ([*own[:2], hidden], 400, "One of these tasks does not exist. Nothing was changed."),
        "readable": ([*own[:2], readable], 403, "You may read READ-1, not delete it. Nothing was changed."),
        "archived": ([*own[:2], archived], 409, "OLD-1: "),
        "twice": ([own[0], own[0]], 400, "Name each task once."),
        "large": (own, 409, "More than 3 rows belong to these tasks."),
        "none": ([], 400, "ids"),
    }

    answers = {name: client.post(URL, {"ids": ids(tasks)}) for name, (tasks, _, _) in cases.items()}

    for name, (_, status, text) in cases.items():
        assert (answers[name].status_code, text in answers[name].text) == (status, True), (name, answers[name].text)
    assert table_digests() == before


def test_deletion_on_list_page_offers_undo(project, alice):
    tasks = TaskFactory.create_batch(3, project=project)
    client = logged_in_client(alice)

    page = client.post("/tasks/bulk/", {"ids": ids(tasks[:2]), "action": "delete", "next": "/tasks/"}, follow=True)
    token = page.content.decode().split('name="token" value="')[1].split('"')[0]
    remaining = Task.objects.count()
    everything = client.post("/tasks/bulk/", {"select": "all", "action": "delete"}, follow=True)
    client.post("/undo/", {"token": token})

    assert "2 tasks moved to the trash." in page.content.decode()
    assert "Select at most 200 tasks" in everything.content.decode()
    assert (remaining, Task.objects.count()) == (1, 3)


@pytest.mark.django_db(transaction=True)
def test_concurrent_deletions_delete_each_task_once(project, alice):
    tasks = TaskFactory.create_batch(4, project=project)
    orders = [[task.pk for task in tasks], [task.pk for task in tasks[::-1]]]

    outcomes = run_concurrently(
        partial(removals.delete_tasks, actor=alice, ids=order, now=timezone.now()) for order in orders * 2
    )

    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert [str(error) for error in refused] == ["ids: 4 of these tasks do not exist. Nothing was changed."] * 3
    assert (Task.objects.count(), TrashEntry.objects.count()) == (0, 4)
