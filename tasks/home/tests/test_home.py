"""First page and own columns: chosen on pages and in the API, and where they lead."""

from __future__ import annotations

import pytest

from core.testing.page_client import logged_in_client
from tasks.models import Project
from tasks.tests.factories import FieldFactory, ProjectFactory, SavedFilterFactory

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"


def test_first_page_is_chosen_and_opened(clients, project, alice):
    saved_filter = SavedFilterFactory(owner=alice, name="Mine")
    page = logged_in_client(alice)
    for home, url in (
        ("my_tasks", "/tasks/?assignee=me"),
        ("tasks", "/tasks/"),
        ("calendar", "/calendar/?assignee=me"),
        ("inbox", "/inbox/"),
        ("board:OPS", "/projects/OPS/board/"),
        (f"filter:{saved_filter.pk}", f"/tasks/?saved_filter={saved_filter.pk}"),
    ):
        assert page.post("/settings/home/", {"home": home}).status_code == 302, home
        alice.refresh_from_db()
        assert alice.home == home
        assert page.get("/").url == url
        assert page.get("/?range=28").status_code == 200, home
    # What the user does not see any more opens the overview.
    saved_filter.delete()
    assert page.get("/").status_code == 200
    clients["alice"].patch(ME, {"home": "board:OPS"})
    Project.objects.filter(key="OPS").update(key="GONE")
    assert page.get("/").status_code == 200


def test_unknown_first_pages_and_columns_are_refused(clients, project, alice):
    ProjectFactory(key="HIDDEN")
    page, client = logged_in_client(alice), clients["alice"]

    assert page.post("/settings/home/", {"home": "board:HIDDEN"}).status_code == 422
    for changes in (
        {"home": "/evil"},
        {"home": "board:ops"},
        {"list_columns": ["title", "title"]},
        {"list_columns": ["<b>"]},
        {"list_columns": "title"},
        {"list_columns": [f"field.f{number}" for number in range(13)]},
    ):
        response = client.patch(ME, changes)
        assert response.status_code in {400, 422}, changes
        assert next(iter(changes)) in response.json()["errors"][0]["field"], changes
    page.post("/tasks/columns/", {"columns": "title,nothing"})
    assert (client.get(ME).json()["home"], client.get(ME).json()["list_columns"]) == ("overview", [])


def test_own_columns_are_those_of_all_lists(clients, project, task, alice):
    FieldFactory(project=project, key="cost", name="Cost")
    page = logged_in_client(alice)
    names = ["title", "field.cost", "due"]

    response = page.get("/tasks/?columns=title,field.cost,due")
    assert response.context["own_columns"] == "title,field.cost,due"
    response = page.post("/tasks/columns/", {"columns": "title,field.cost,due", "next": "/tasks/?project=OPS"})

    assert response.url == "/tasks/?project=OPS"
    assert clients["alice"].get(ME).json()["list_columns"] == names
    for url in ("/tasks/", "/projects/OPS/", f"/tasks/?saved_filter={SavedFilterFactory(owner=alice).pk}"):
        context = page.get(url).context
        assert [column.name for column in context["columns"]] == names, url
        assert not context["list_filter"].is_changed, url
    assert [column.name for column in page.get("/tasks/?columns=title,status").context["columns"]] == [
        "title",
        "status",
    ]
    page.post("/tasks/columns/", {"columns": ""})
    assert "field.cost" not in [column.name for column in page.get("/tasks/").context["columns"]]
