from __future__ import annotations

import pytest

from accounts.tests.factories import UserFactory
from core.testing.database_state import table_digests
from tasks.items.tests.test_create_task import changed_since
from tasks.models import Comment
from tasks.tests.factories import AssigneeFactory, CommentFactory, ProjectFactory, TaskFactory

URL = "/api/v1/tasks/OPS-1/comments/"

pytestmark = pytest.mark.django_db


def test_comment_event_names_audience_and_mentions(clients, task, alice, bob, carol, viewer, mallory, outbox):
    AssigneeFactory(task=task, user=bob)
    CommentFactory(task=task, author=viewer)
    body = "@carol, @Bob: see mail@mallory.example, @mallory, @nobody and @bob. " + "x" * 400

    response = clients["bob"].post(URL, {"body": body})

    assert response.status_code == 201
    assert (response.json()["body"], response.json()["author"]["handle"], response.json()["version"]) == (
        body,
        "bob",
        1,
    )
    event = outbox.only("task.commented")
    assert event["comment_id"] == response.json()["id"]
    assert event["excerpt"] == body[:279] + "…"
    assert event["mentioned_ids"] == [str(carol.pk)]
    assert event["audience_ids"] == sorted([str(alice.pk), str(viewer.pk)])
    assert event["actor"] == {"id": str(bob.pk), "name": "Bob"}
    assert event["task"]["assignee_ids"] == [str(bob.pk)]


def test_comment_update_checks_author_and_version(clients, comment):
    url = f"{URL}{comment.pk}/"

    changed = clients["bob"].patch(url, {"body": "Better."}, headers={"If-Match": '"1"'})
    stale = clients["bob"].patch(url, {"body": "Worse."}, headers={"If-Match": '"1"'})
    rejected = clients["bob"].delete(url, headers={"If-Match": '"1"'})
    nothing = clients["bob"].patch(url, {})

    assert [response.status_code for response in (changed, stale, rejected, nothing)] == [200, 412, 412, 200]
    assert (changed.json()["version"], changed.json()["edited_at"] is not None) == (2, True)
    assert stale.json()["current"] == {"body": "Better."}
    assert Comment.objects.get().body == "Better."


def test_comment_of_another_task_is_not_found_under_this_one(clients, comment):
    other = TaskFactory(project=comment.task.project)
    client, before = clients["bob"], table_digests()

    statuses = [
        client.patch(f"/api/v1/tasks/{other.key}/comments/{comment.pk}/", {"body": "x"}).status_code,
        client.delete(f"/api/v1/tasks/{other.key}/comments/{comment.pk}/").status_code,
    ]

    assert statuses == [404, 404]
    assert changed_since(before) == set()


@pytest.mark.parametrize("body", ["", " ", "\n\t ", "x" * 20_001])
def test_empty_or_endless_comment_is_rejected(body, clients, task):
    client, before = clients["bob"], table_digests()

    response = client.post(URL, {"body": body})

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "body")
    assert changed_since(before) == set()


def test_mentioning_many_costs_the_same_as_mentioning_one(clients, task, queries):
    client = clients["alice"]
    client.post(URL, {"body": "warm"})
    with queries() as small:
        client.post(URL, {"body": "@bob"})
    UserFactory.create_batch(10)

    with queries(equal_to=small):
        client.post(URL, {"body": " ".join(f"@person{n}" for n in range(50)) + " @bob"})


def test_in_an_archived_project_nothing_is_said(clients, alice):
    project = ProjectFactory(key="OLD", owner=alice)
    TaskFactory(project=project)
    clients["alice"].post("/api/v1/projects/OLD/archive/")
    before = table_digests()

    response = clients["alice"].post("/api/v1/tasks/OLD-1/comments/", {"body": "Hello"})

    assert response.status_code == 409
    assert changed_since(before) == set()
