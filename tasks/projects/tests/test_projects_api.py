from __future__ import annotations

import pytest

from accounts.tests.factories import with_email_address
from core.testing.database_state import table_digests
from tasks.items.tests.test_create_task import changed_since, error_fields
from tasks.models import Project, ProjectMember, State, Task
from tasks.tests.factories import AssigneeFactory, MemberFactory, ProjectFactory, TaskFactory
from tasks.trash import storage

PROJECTS, OPS = "/api/v1/projects/", "/api/v1/projects/OPS/"

pytestmark = pytest.mark.django_db


def test_project_begins_with_its_maker_and_four_statuses(clients, alice, outbox):
    response = clients["alice"].post(PROJECTS, {"key": "NEW", "name": " New ", "description": "Why"})

    project = Project.objects.get()
    assert response.status_code == 201
    assert response["Location"] == f"{PROJECTS}{project.pk}/"
    plain = ("key", "name", "description", "is_inbox", "open_count", "member_count", "version", "archived_at")
    assert [response.json()[name] for name in plain] == ["NEW", "New", "Why", False, 0, 1, 1, None]
    assert ProjectMember.objects.get().role == "admin"
    slugs = list(State.objects.order_by("position").values_list("slug", "category"))
    assert slugs == [("todo", "todo"), ("in_progress", "in_progress"), ("done", "done"), ("cancelled", "cancelled")]
    assert outbox.only("project.created")["project"] == {
        "id": str(project.pk),
        "key": "NEW",
        "name": "New",
        "is_inbox": False,
    }


@pytest.mark.parametrize("key", ["ops", "O", "1OPS", "OPS-1", "OPSOPSOPSOPS", "ÖPS", "OPS\n", "OPS "])
def test_key_is_capital_letters_and_digits(key, clients, alice):
    response = clients["alice"].post(PROJECTS, {"key": key, "name": "New"})

    if key.strip() == "OPS":
        assert response.status_code == 201
    else:
        assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "key")
        assert not Project.objects.exists()


def test_key_of_invisible_project_is_taken(clients, project, mallory):
    client, before = clients["mallory"], table_digests()

    response = client.post(PROJECTS, {"key": "OPS", "name": "Mine"})

    assert (response.status_code, error_fields(response)) == (400, [("key", "taken")])
    assert changed_since(before) == set()


def test_project_update_checks_version(clients, project, outbox):
    tag = clients["alice"].get(OPS)["ETag"]

    first = clients["alice"].patch(OPS, {"name": "Ops"}, headers={"If-Match": tag})
    stale = clients["alice"].patch(OPS, {"name": "Other"}, headers={"If-Match": tag})
    same = clients["alice"].patch(OPS, {"name": "Ops"})
    rejected = clients["alice"].delete(OPS, headers={"If-Match": tag})

    assert [response.status_code for response in (first, stale, same, rejected)] == [200, 412, 200, 412]
    assert same.json()["version"] == 2
    assert stale.json()["current"] == {"name": "Ops"}
    assert outbox.only("project.updated")["changes"] == {"name": ["Operations", "Ops"]}


def test_project_is_archived_and_restored(clients, project, outbox):
    archived = clients["alice"].post(f"{OPS}archive/")
    again = clients["alice"].post(f"{OPS}archive/")
    listed = clients["alice"].get(f"{PROJECTS}?archived=true").json()["results"]
    hidden = clients["alice"].get(f"{PROJECTS}?archived=false").json()["results"]
    restored = clients["alice"].delete(f"{OPS}archive/")

    assert archived.json()["archived_at"] == again.json()["archived_at"] is not None
    assert ([row["key"] for row in listed], hidden) == (["OPS"], [])
    assert restored.json()["archived_at"] is None
    assert outbox.names() == ["project.updated"] * 2


def test_project_with_many_rows_is_left_to_a_worker(clients, task, monkeypatch):
    client, before = clients["alice"], table_digests()
    monkeypatch.setattr(storage, "MAX_ROWS", 5)

    accepted = client.delete(OPS)

    assert (accepted.status_code, accepted.json()["state"]) == (202, "queued")
    assert changed_since(before) == {"tasks_bulkjob", "events_event"}


def test_project_is_deleted_with_its_tasks(clients, task):
    deleted = clients["alice"].delete(OPS)

    assert (deleted.status_code, Project.objects.exists(), Task.objects.exists()) == (204, False, False)


def test_inbox_is_its_owners_alone_and_stays(clients, inbox, bob, admin):
    client, url = clients["alice"], f"{PROJECTS}{inbox.key}/"
    tries = [client.delete(url), client.post(f"{url}archive/"), client.post(f"{url}members/", {"user": str(bob.pk)})]

    assert [(response.status_code, response.json()["code"]) for response in tries] == [(409, "inbox")] * 3
    assert {who: clients[who].get(url).status_code for who in ("bob", "carol", "admin")} == dict.fromkeys(
        ("bob", "carol", "admin"), 404
    )
    TaskFactory(project=inbox, title="private words")
    results = [clients[who].get("/api/v1/tasks/?search=private").json()["results"] for who in ("carol", "admin")]
    assert results == [[], []]
    assert [clients[who].get("/api/v1/tasks/stats/").json()["total"] for who in ("carol", "admin", "alice")] == [
        0,
        0,
        1,
    ]


def test_member_is_added_by_id_or_email_and_changes_role(clients, project, mallory, outbox):
    url, client = f"{OPS}members/", clients["alice"]
    with_email_address(mallory)

    by_id = client.post(url, {"user": str(mallory.pk), "role": "viewer"})
    by_mail = client.post(url, {"email": "MALLORY@example.com", "role": "commenter"})
    same = client.post(url, {"user": str(mallory.pk), "role": "commenter"})
    both = client.post(url, {"user": str(mallory.pk), "email": "mallory@example.com"})
    unknown = client.post(url, {"email": "missing@example.com"})

    assert [a.status_code for a in (by_id, by_mail, same, both, unknown)] == [201, 201, 201, 400, 400]
    assert (error_fields(both)[0][0], error_fields(unknown)[0][0]) == ("user", "email")
    assert outbox.names() == ["project.member_added", "project.member_changed"]
    assert outbox.only("project.member_changed")["role"] == "commenter"
    assert ProjectMember.objects.get(user=mallory).role == "commenter"


def test_removed_member_is_unassigned_and_loses_access(clients, project, bob, outbox):
    open_task, done = TaskFactory(project=project), TaskFactory(project=project)
    clients["alice"].patch(f"/api/v1/tasks/{done.key}/", {"status": "done"})
    for task in (open_task, done):
        AssigneeFactory(task=task, user=bob)

    response = clients["alice"].delete(f"{OPS}members/{bob.pk}/")

    assert response.status_code == 204
    assert (list(open_task.assignees.all()), list(done.assignees.all())) == ([], [bob])
    assert outbox.names()[-3:] == ["task.updated", "task.unassigned", "project.member_removed"]
    open_task.refresh_from_db()
    assert open_task.version == 2
    assert clients["bob"].get(OPS).status_code == 404
    assert clients["bob"].get("/api/v1/tasks/").json()["results"] == []


def test_member_gets_another_role_by_patch_and_the_log_says_so(clients, project, alice, bob, outbox):
    url = f"{OPS}members/{bob.pk}/"

    patched = clients["alice"].patch(url, {"role": "viewer"})
    again = clients["alice"].patch(url, {"role": "viewer"})
    lowered = clients["alice"].patch(f"{OPS}members/{alice.pk}/", {"role": "viewer"})
    unknown = clients["alice"].patch(url, {"role": "owner"})

    assert [response.status_code for response in (patched, again, lowered, unknown)] == [200, 200, 409, 400]
    assert (patched.json()["role"], patched.json()["version"], again.json()["version"]) == ("viewer", 2, 2)
    assert outbox.only("project.member_changed")["role"] == "viewer"
    assert clients["bob"].get(url).json() == patched.json()


def test_state_renamed_to_its_own_name_is_unchanged(clients, project):
    state = project.states.get(slug="todo")
    url = f"{OPS}states/{state.pk}/"

    same = clients["alice"].patch(url, {"name": "To do"})
    renamed = clients["alice"].patch(url, {"name": "Later"})

    assert (same.json()["version"], renamed.json()["version"]) == (1, 2)
    assert clients["bob"].get(url).json() == {
        "id": str(state.pk),
        "slug": "todo",
        "name": "Later",
        "category": "todo",
        "position": 0,
        "wip_limit": None,
        "version": 2,
    }


def test_anybody_may_leave_but_the_last_admin(clients, project, alice, viewer):
    left = clients["viewer"].delete(f"{OPS}members/{viewer.pk}/")
    stays = clients["alice"].delete(f"{OPS}members/{alice.pk}/")
    lowered = clients["alice"].post(f"{OPS}members/", {"user": str(alice.pk), "role": "editor"})
    missing = clients["alice"].delete(f"{OPS}members/{viewer.pk}/")

    assert (left.status_code, stays.status_code, lowered.status_code, missing.status_code) == (204, 409, 409, 404)
    assert stays.json()["code"] == "last_admin"
    assert ProjectMember.objects.get(user=alice).role == "admin"


def test_statuses_come_are_renamed_and_go(clients, project):
    url, client = f"{OPS}states/", clients["alice"]

    made = client.post(url, {"name": "In review!", "category": "in_progress"})
    twice = client.post(url, {"name": "in-review", "category": "todo"})
    nothing = client.post(url, {"name": "!!!", "category": "todo"})
    renamed = client.patch(f"{url}{made.json()['id']}/", {"name": "Reviewing"})
    listed = [(row["slug"], row["name"], row["position"]) for row in client.get(url).json()["results"]]
    deleted = client.delete(f"{url}{made.json()['id']}/")

    assert [a.status_code for a in (made, twice, nothing, renamed, deleted)] == [201, 400, 400, 200, 204]
    assert listed[-1] == ("in_review", "Reviewing", 4)
    assert (renamed.json()["slug"], error_fields(twice)) == ("in_review", [("name", "taken")])


def test_state_in_use_or_last_of_category_is_kept(clients, task, project):
    client, states = clients["alice"], {state.slug: f"{OPS}states/{state.pk}/" for state in project.states.all()}
    client.patch("/api/v1/tasks/OPS-1/", {"status": "cancelled"})
    before = table_digests()

    responses = {slug: client.delete(states[slug]) for slug in ("cancelled", "todo", "done")}

    codes = {slug: (response.status_code, response.json()["code"]) for slug, response in responses.items()}
    assert codes == {"cancelled": (409, "in_use"), "todo": (409, "last_of_category"), "done": (409, "last_of_category")}
    assert changed_since(before) == set()


def test_labels_come_change_and_go(clients, project, task):
    client = clients["bob"]

    made = client.post("/api/v1/labels/", {"project": "OPS", "name": "Red", "colour": "#ff0000"})
    url = made["Location"]
    twice = client.post("/api/v1/labels/", {"project": "OPS", "name": "red"})
    wrong = client.post("/api/v1/labels/", {"project": "OPS", "name": "Blue", "colour": "blue"})
    client.patch("/api/v1/tasks/OPS-1/", {"labels": ["red"]})
    renamed = client.patch(url, {"name": "Crimson"}, headers={"If-Match": made["ETag"]})
    nothing = client.patch(url, {})
    stale = client.patch(url, {"name": "Other"}, headers={"If-Match": made["ETag"]})

    assert [a.status_code for a in (made, twice, wrong, renamed, nothing, stale)] == [201, 400, 400, 200, 200, 412]
    assert (error_fields(twice), error_fields(wrong)[0][0]) == ([("name", "taken")], "colour")
    assert (nothing.json()["name"], nothing.json()["colour"], nothing.json()["version"]) == ("Crimson", "#ff0000", 2)
    assert client.get("/api/v1/tasks/OPS-1/").json()["labels"] == ["Crimson"]
    assert client.delete(url).status_code == 204
    assert client.get("/api/v1/tasks/OPS-1/").json()["labels"] == []


def test_projects_are_counted_and_found(clients, project, alice, mallory):
    ProjectFactory(key="ZETA", name="Zeta", owner=alice)
    ProjectFactory(name="Hidden")
    MemberFactory(project=project)
    TaskFactory.create_batch(2, project=project)

    rows = clients["alice"].get(PROJECTS).json()["results"]
    projects = clients["alice"].get(f"{PROJECTS}?search=oper").json()["results"]
    turned = clients["alice"].get(f"{PROJECTS}?ordering=-name").json()["results"]

    assert [(row["key"], row["open_count"], row["member_count"]) for row in rows] == [("OPS", 2, 3), ("ZETA", 0, 1)]
    assert [row["key"] for row in projects] == ["OPS"]
    assert [row["key"] for row in turned] == ["ZETA", "OPS"]
