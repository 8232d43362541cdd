"""Copies of tasks: what comes along, and what stays."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.testing.page_client import logged_in_client
from tasks.models import Task
from tasks.tests.factories import AssigneeFactory, ChecklistItemFactory, CommentFactory, LabelFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/tasks/OPS-1/duplicate/"


def test_copy_has_the_fields_labels_people_and_checklist(clients, task, bob):
    task.labels.add(LabelFactory(project=task.project, name="urgent"))
    AssigneeFactory(task=task, user=bob)
    ChecklistItemFactory(task=task, text="Order boxes", position=0, is_done=True, done_at=timezone.now())
    CommentFactory(task=task)
    clients["alice"].patch("/api/v1/tasks/OPS-1/", {"priority": "high", "due_date": "2026-12-24", "status": "done"})

    answer = clients["alice"].post(URL)

    copy = answer.json()
    assert answer.status_code == 201
    assert (copy["title"], copy["key"], copy["status"]) == ("Copy of Fix the printer", "OPS-2", "todo")
    assert (copy["priority"], copy["due_date"], copy["labels"]) == ("high", "2026-12-24", ["urgent"])
    assert [user["handle"] for user in copy["assignees"]] == ["bob"]
    stored = Task.objects.get(pk=copy["id"])
    assert list(stored.checklist.values_list("text", "is_done")) == [("Order boxes", False)]
    assert not stored.comments.exists()
    undone = clients["alice"].post("/api/v1/undo/", {"token": answer["Undo-Token"]})
    assert undone.status_code == 200
    assert not Task.objects.filter(pk=copy["id"]).exists()


def test_copy_of_a_long_title_is_cut(clients, task):
    Task.objects.filter(pk=task.pk).update(title="x" * 500)

    title = clients["alice"].post(URL).json()["title"]

    assert len(title) <= 500
    assert title.startswith("Copy of xxx")


def test_duplicate_button_shows_the_copy(alice, task):
    answer = logged_in_client(alice).post("/tasks/OPS-1/duplicate/", follow=True)

    text = answer.content.decode()
    assert answer.redirect_chain[-1][0] == "/tasks/OPS-2/"
    assert "OPS-2 created as a copy of OPS-1." in text
    assert "Undo" in text
