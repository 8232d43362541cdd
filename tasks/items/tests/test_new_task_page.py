from __future__ import annotations

import pytest

from core.testing.page_client import logged_in_client
from tasks.models import Task
from tasks.tests.factories import ProjectFactory


def test_needs_no_more_than_a_title(alice):
    response = logged_in_client(alice).post("/tasks/new/", {"title": "Buy milk"})

    made = Task.objects.get()
    assert response["Location"] == f"/tasks/{made.key}/"
    assert made.project.is_inbox
    assert made.creator == alice


def test_offers_the_personal_project_once(alice, project):
    ProjectFactory(owner=alice, is_inbox=True, key="MEALICE", name="Personal")

    choices = logged_in_client(alice).get("/tasks/new/").context["form"].fields["project"].choices

    assert [label for _value, label in choices] == ["Personal", "Operations (OPS)"]


def test_takes_all_that_the_form_asks(project, alice, bob):
    sent = {"title": "Plan", "project": str(project.pk), "priority": "3", "assignee": str(bob.pk), "labels": "a, b, a"}

    logged_in_client(alice).post("/tasks/new/", sent | {"due_date": "2026-12-24", "description": "See **this**"})

    made = Task.objects.get()
    assert (made.key, made.priority, made.due_date.isoformat()) == ("OPS-1", 3, "2026-12-24")
    assert sorted(label.name for label in made.labels.all()) == ["a", "b"]
    assert list(made.assignees.all()) == [bob]


@pytest.mark.parametrize(
    "sent", [{}, {"title": "  "}, {"title": "x" * 501}, {"title": "a\x00b"}, {"title": "T", "due_date": "?"}]
)
def test_names_what_is_wrong(sent, alice):
    response = logged_in_client(alice).post("/tasks/new/", sent)

    assert response.status_code == 422
    assert Task.objects.count() == 0


def test_assigns_only_members_of_the_project(alice, project, bob):
    response = logged_in_client(alice).post("/tasks/new/", {"title": "T", "assignee": str(bob.pk)})

    assert response.status_code == 422
    assert "assignee" in response.context["form"].errors
    assert Task.objects.count() == 0


def test_offers_only_projects_one_may_write_in(project, viewer, mallory):
    ProjectFactory(key="OWN", owner=viewer)

    page = logged_in_client(viewer).get("/tasks/new/")
    response = logged_in_client(mallory).post("/tasks/new/", {"title": "T", "project": str(project.pk)})

    assert [words for _, words in page.context["form"].fields["project"].choices] == ["Personal", "Project OWN (OWN)"]
    assert response.status_code == 422
    assert Task.objects.count() == 0
