"""Favourite projects: an order of the user's own, shown first."""

from __future__ import annotations

import pytest

from core.testing.page_client import logged_in_client
from tasks.favourites import services
from tasks.models import ProjectFavourite
from tasks.tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/projects/"


def favourites(client):
    return [row["key"] for row in client.get(URL).json()["results"] if row["is_favourite"]]


def favourite_keys(user):
    """Return the order of the user's favourites; the list of the navigation is cached until the commit."""
    rows = ProjectFavourite.objects.filter(user=user).order_by("position")
    return list(rows.values_list("project__key", flat=True))


def test_favourite_is_set_once_and_is_the_users_own(clients, project):
    statuses = [
        clients["bob"].post(f"{URL}OPS/{verb}/").status_code
        for verb in ("favourite", "favourite", "unfavourite", "unfavourite", "favourite")
    ]

    assert statuses == [204] * 5
    assert (favourites(clients["bob"]), favourites(clients["alice"])) == (["OPS"], [])
    assert ProjectFavourite.objects.count() == 1


def test_favourite_of_hidden_project_is_refused(clients, project):
    assert clients["mallory"].post(f"{URL}OPS/favourite/").status_code == 404
    assert not ProjectFavourite.objects.exists()


def test_favourites_beyond_the_limit_are_refused(clients, project, alice, monkeypatch):
    monkeypatch.setattr(services, "MAX_FAVOURITES", 1)
    other = ProjectFactory(owner=alice)
    clients["alice"].post(f"{URL}{other.key}/favourite/")

    response = clients["alice"].post(f"{URL}OPS/favourite/")

    assert (response.status_code, response.json()["code"]) == (409, "too_many")
    assert "At most 1" in response.json()["detail"]
    assert favourites(clients["alice"]) == [other.key]


@pytest.mark.django_db(transaction=True)
def test_favourites_stand_first_in_list_and_navigation(project, alice):
    first = ProjectFactory(owner=alice, key="AAA", name="Aardvark")
    page = logged_in_client(alice)
    before = page.get("/projects/")
    page.post("/projects/OPS/favourite/", {"favourite": "true", "next": "/projects/"})
    after = page.get("/projects/")

    assert [one.key for one in before.context["projects"]] == [first.key, "OPS"]
    assert [one.key for one in after.context["projects"]] == ["OPS", first.key]
    assert "nav-favourites" not in before.content.decode()
    assert after.content.decode().index("nav-favourites") < after.content.decode().index("Aardvark")
    page.post("/projects/OPS/favourite/", {"favourite": "false"})
    assert "nav-favourites" not in page.get("/tasks/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_navigation_forgets_projects_the_user_left(project, alice, bob):
    page = logged_in_client(bob)
    page.post("/projects/OPS/favourite/", {"favourite": "true"})
    before = page.get("/tasks/").content.decode()
    logged_in_client(alice).post(f"/projects/OPS/members/{bob.pk}/remove/")

    assert "nav-favourites" in before
    assert "nav-favourites" not in page.get("/tasks/").content.decode()


def test_favourites_are_moved_by_api_and_buttons(clients, project, alice, monkeypatch):
    monkeypatch.setattr(services, "MAX_POSITION_LENGTH", 3)
    others = [ProjectFactory(owner=alice, key=key) for key in ("BBB", "CCC")]
    hidden, client = ProjectFactory(key="HID"), clients["alice"]
    for key in ("OPS", "BBB", "CCC"):
        client.post(f"{URL}{key}/favourite/")

    def move(key, data):
        status = client.post(f"{URL}{key}/favourite/move/", data).status_code
        return status, favourite_keys(alice)

    assert move("CCC", {"before": "OPS"}) == (204, ["CCC", "OPS", "BBB"])
    assert move("CCC", {"after": str(others[0].pk)}) == (204, ["OPS", "BBB", "CCC"])
    unchanged = ["OPS", "BBB", "CCC"]
    for data in ({}, {"before": "BBB", "after": "CCC"}, {"before": "OPS"}, {"before": "HID"}, {"after": "NONE"}):
        assert move("OPS", data) == (400, unchanged), data
    assert move("HID", {"before": "OPS"}) == (404, unchanged)
    client.post(f"{URL}CCC/unfavourite/")
    assert move("CCC", {"before": "OPS"}) == (409, ["OPS", "BBB"])
    page = logged_in_client(alice)
    keys = []
    for key, step in (("BBB", "up"), ("BBB", "up"), ("BBB", "down"), ("BBB", "down"), ("CCC", "up")):
        page.post(f"/projects/{key}/favourite/", {"move": step, "next": "/projects/"})
        keys.append(favourite_keys(alice))
    listed = [row.key for row in page.get("/projects/").context["projects"]]
    assert keys == [["BBB", "OPS"], ["BBB", "OPS"], ["OPS", "BBB"], ["OPS", "BBB"], ["OPS", "BBB"]]
    assert listed == ["OPS", "BBB", "CCC"]
    assert hidden.favourites.count() == 0
