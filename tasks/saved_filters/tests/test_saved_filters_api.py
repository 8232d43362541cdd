"""Saved filters over the API: their text, their audience, and what each reader gets."""

from __future__ import annotations

import pytest

from accounts.tests.factories import TeamFactory, TeamMemberFactory, UserFactory
from accounts.tests.fixtures import signed_in
from tasks.models import SavedFilter
from tasks.saved_filters import services
from tasks.tests.factories import AssigneeFactory, ProjectFactory, SavedFilterFactory, TaskFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/saved-filters/"


def test_saved_filter_is_created_canonical_and_changed(clients, alice):
    client = clients["alice"]
    created = client.post(URL, {"name": "Mine", "filter": " State=open   assignee:@me", "is_favourite": True})
    path = created["Location"]
    changed = client.patch(path, {"name": "Mine, late", "filter": "is:overdue"}, headers={"If-Match": created["ETag"]})
    stale = client.patch(path, {"name": "Other"}, headers={"If-Match": created["ETag"]})

    assert created.status_code == 201, created.content
    assert created.json()["filter"] == "state:open assignee:@me"
    assert (changed.json()["name"], changed.json()["filter"], changed.json()["version"]) == (
        "Mine, late",
        "is:overdue",
        2,
    )
    assert stale.status_code == 412
    assert client.get(path).json() == changed.json()
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"name": "x", "filter": "stat:open"}, "filter", "unknown_name"),
        ({"name": "x", "filter": " "}, "filter", "blank"),
        ({"name": "", "filter": "state:open"}, "name", "blank"),
        ({"name": "TAKEN", "filter": "state:open"}, "name", "taken"),
        ({"name": "x", "filter": "a", "project": "ZZZ"}, "project", "does_not_exist"),
        ({"name": "x", "filter": "a", "project": "OPS", "everyone": True}, "project", "shared_in_one_way"),
        ({"name": "x", "filter": "a", "position": -1}, "position", "min_value"),
        ({"name": "x", "filter": "a", "owner": "me"}, "owner", "unknown"),
    ],
)
def test_wrong_saved_filter_is_refused_and_nothing_saved(body, field, code, clients, alice, project):
    SavedFilterFactory(owner=alice, name="Taken")

    response = clients["alice"].post(URL, body)

    assert response.status_code == 400
    assert (response.json()["errors"][0]["field"], response.json()["errors"][0]["code"]) == (field, code)
    assert SavedFilter.objects.count() == 1


def test_saved_filters_of_a_user_are_limited(clients, alice, monkeypatch):
    monkeypatch.setattr(services, "MAX_SAVED_FILTERS", 2)
    SavedFilterFactory.create_batch(2, owner=alice)

    response = clients["alice"].post(URL, {"name": "x", "filter": "a"})

    assert (response.status_code, response.json()["code"]) == (409, "too_many")
    assert "2 filters" in response.json()["detail"]
    assert SavedFilter.objects.count() == 2


def test_shared_filter_shows_each_reader_their_own_tasks(clients, alice, bob, project):
    own = TaskFactory(project=project)
    hidden = TaskFactory(project=ProjectFactory(key="ZETA", owner=alice))
    for task in (own, hidden):
        AssigneeFactory(task=task, user=alice)
    other = TaskFactory(project=project)
    AssigneeFactory(task=other, user=bob)
    shared = SavedFilterFactory(owner=alice, filter="assignee:@me", project=project)

    def keys(handle, path):
        return {row["key"] for row in clients[handle].get(path).json()["results"]}

    for path in (f"{URL}{shared.pk}/tasks/", f"/api/v1/tasks/?saved_filter={shared.pk}"):
        assert keys("alice", path) == {own.key, hidden.key}
        assert keys("bob", path) == {other.key}
    assert keys("bob", f"{URL}{shared.pk}/tasks/?filter=state:done") == set()
    assert clients["bob"].get(f"{URL}{shared.pk}/").json()["filter"] == "assignee:@me"
    assert clients["bob"].patch(f"{URL}{shared.pk}/", {"name": "x"}).status_code == 403
    shared.refresh_from_db()
    assert shared.version == 1


def test_filter_is_visible_to_its_audience_only(alice, bob, project, mallory):
    team = TeamMemberFactory(team=TeamFactory(), user=mallory).team
    staff = UserFactory(role="staff")
    audiences = {
        "private": SavedFilterFactory(owner=alice),
        "project": SavedFilterFactory(owner=alice, project=project),
        "team": SavedFilterFactory(owner=alice, team=team),
        "everyone": SavedFilterFactory(owner=alice, everyone=True),
    }
    expected = {alice: {*audiences}, bob: {"project", "everyone"}, mallory: {"team", "everyone"}, staff: {"everyone"}}

    for user, names in expected.items():
        client = signed_in(user)
        visible = {name for name, row in audiences.items() if client.get(f"{URL}{row.pk}/").status_code == 200}
        listed = {row["id"] for row in client.get(URL).json()["results"]}
        assert visible == names, user
        assert listed == {str(audiences[name].pk) for name in names}
        assert client.get(f"/api/v1/tasks/?saved_filter={audiences['private'].pk}").status_code == (
            200 if user == alice else 404
        )


def test_filter_becomes_private_when_its_project_is_deleted(alice, bob):
    project = ProjectFactory(owner=alice)
    shared = SavedFilterFactory(owner=alice, project=project)

    project.delete()

    shared.refresh_from_db()
    assert shared.project is None
    assert list(SavedFilter.objects.visible_to(bob)) == []


def test_parsed_filter_has_terms_places_and_parameters(clients, alice):
    parse = "/api/v1/filters/parse/"
    simple = clients["alice"].post(parse, {"filter": "State=open -is:overdue due<=2026-05-04"}).json()
    complex_one = clients["alice"].post(parse, {"filter": "state:open (a OR b)"}).json()
    wrong = clients["alice"].post(parse, {"filter": "state:open due:soon"})

    assert simple["filter"] == "state:open -is:overdue due<=2026-05-04"
    assert [(term["start"], term["end"], term["name"], term["is_negated"]) for term in simple["terms"]] == [
        (0, 10, "state", False),
        (11, 22, "is", True),
        (23, 38, "due", False),
    ]
    assert simple["params"] == {"category": "todo,in_progress", "overdue": "false", "due_before": "2026-05-04"}
    assert complex_one["params"] is None
    assert complex_one["terms"][1]["text"] == "a OR b"
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["position"] == 15
