"""Watchers: who is one without a choice, what a choice changes, and what they are told."""

from __future__ import annotations

import pytest

from core.testing.page_client import logged_in_client
from events.models import Event
from tasks import handlers
from tasks.models import TaskWatch
from tasks.tests.factories import AssigneeFactory, CommentFactory, TaskShareFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/tasks/OPS-1/"


def watching(client):
    return {user["handle"] for user in client.get(f"{URL}watchers/").json()["results"]}


def test_watchers_are_involved_users_and_those_who_chose(clients, task, bob, viewer, commenter):
    creator = task.creator.handle
    AssigneeFactory(task=task, user=bob)
    CommentFactory(task=task, author=commenter)
    involved = watching(clients["alice"])

    statuses = [
        clients["viewer"].post(f"{URL}watch/").status_code,
        clients["bob"].post(f"{URL}unwatch/").status_code,
        clients["bob"].post(f"{URL}unwatch/").status_code,
    ]

    assert involved == {creator, "bob", "commenter"}
    assert statuses == [204, 204, 204]
    assert watching(clients["alice"]) == {creator, "viewer", "commenter"}
    assert TaskWatch.objects.count() == 2


def test_audience_of_a_comment_is_its_watchers(clients, task, alice, bob, viewer, outbox):
    AssigneeFactory(task=task, user=bob)
    clients["viewer"].post(f"{URL}watch/")
    clients["bob"].post(f"{URL}unwatch/")

    clients["alice"].post(f"{URL}comments/", {"body": "Almost done."})

    assert outbox.only("task.commented")["audience_ids"] == sorted(
        {str(viewer.pk), str(task.creator_id)} - {str(alice.pk)}
    )


def test_mentioned_user_watches_unless_they_chose(clients, task, bob, viewer, commenter):
    clients["commenter"].post(f"{URL}unwatch/")
    clients["alice"].post(f"{URL}comments/", {"body": "@viewer and @commenter, look."})
    event = Event.objects.get(name="task.commented")
    handlers.watch_mentioned(event)
    handlers.watch_mentioned(event)

    assert "viewer" in watching(clients["alice"])
    assert "commenter" not in watching(clients["alice"])


def test_watchers_are_hidden_from_guests(clients, task, mallory, bob):
    AssigneeFactory(task=task, user=bob)
    hidden = clients["mallory"].get(f"{URL}watchers/").status_code
    TaskShareFactory(task=task, user=mallory)

    clients["mallory"].post(f"{URL}watch/")

    assert hidden == 404
    assert watching(clients["mallory"]) == {"mallory"}


def test_watch_button_changes_the_choice(task, viewer):
    page = logged_in_client(viewer)
    before = page.get(f"/tasks/{task.key}/").content.decode()
    page.post(f"/tasks/{task.key}/watch/", {"watch": "true"})
    after = page.get(f"/tasks/{task.key}/").content.decode()

    assert "Watching" not in before
    assert "Watching" in after
