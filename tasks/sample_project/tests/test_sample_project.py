"""The sample project: what it holds, for whom, and that it can be created again."""

from __future__ import annotations

import pytest

from accounts.tests.factories import UserFactory
from core.testing.page_client import logged_in_client
from events.models import Event
from notifications.models import Notification
from tasks.models import ChecklistItem, Comment, Project, Task, TaskRelation

pytestmark = pytest.mark.django_db
URL = "/api/v1/sample-project/"


def test_sample_project_has_tasks_of_every_kind(client_of):
    ana = UserFactory(handle="ana", time_zone="Pacific/Auckland")
    client = client_of(ana)

    created = client.post(URL)
    tasks = Task.objects.filter(project__key="SAMPLE")

    assert (created.status_code, created.json()["key"]) == (201, "SAMPLE")
    assert set(tasks.values_list("category", flat=True)) >= {"todo", "in_progress", "done"}
    assert tasks.filter(section=None).count() == 0
    assert 0 < tasks.exclude(assignees=None).count() < tasks.count()
    assert (ChecklistItem.objects.count(), TaskRelation.objects.count(), Comment.objects.count()) == (3, 2, 1)
    assert Notification.objects.count() == 0
    # Every write is in the log, as if done by hand.
    assert Event.objects.filter(name="task.created", actor_id=ana.pk).count() == tasks.count()


def test_sample_project_takes_the_next_free_key(client_of):
    ana, ben = UserFactory(handle="ana"), UserFactory(handle="ben")

    keys = [client_of(user).post(URL).json()["key"] for user in (ana, ben, ana)]
    deleted = client_of(ben).delete("/api/v1/projects/SAMPLE2/")
    seen = [row["key"] for row in client_of(ana).get("/api/v1/projects/").json()["results"]]

    assert keys == ["SAMPLE", "SAMPLE2", "SAMPLE3"]
    assert deleted.status_code == 204
    assert sorted(seen) == ["SAMPLE", "SAMPLE3"]


def test_sample_project_is_offered_to_newcomers_as_board():
    browser = logged_in_client(UserFactory(handle="ana"))

    start = browser.get("/").content.decode()
    board = browser.post("/sample-project/", follow=True)

    assert 'action="/sample-project/"' in start
    assert board.redirect_chain[-1][0] == "/projects/SAMPLE/board/"
    assert "Write the announcement" in board.content.decode()
    assert 'action="/sample-project/"' not in browser.get("/").content.decode()


def test_too_many_sample_projects_create_nothing(client_of, monkeypatch):
    monkeypatch.setattr("tasks.sample_project.services.MAX_PROJECTS", 1)
    client = client_of(UserFactory(handle="ana"))
    client.post(URL)

    refused = client.post(URL)

    assert (refused.status_code, refused.json()["code"]) == (409, "too_many")
    assert Project.objects.count() == 1
