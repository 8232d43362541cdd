from __future__ import annotations

import pytest

from core.testing.page_client import htmx_headers, is_full_page, logged_in_client, visible_text
from tasks.models import Project, ProjectMember
from tasks.tests.factories import MemberFactory, ProjectFactory, TaskFactory


def test_lists_the_projects_one_sees(project, bob, mallory):
    assert "Operations" in visible_text(logged_in_client(bob).get("/projects/"))
    assert "No projects yet" in visible_text(logged_in_client(mallory).get("/projects/"))


def test_lists_at_one_cost(project, alice, queries):
    reader = logged_in_client(alice)
    reader.get("/projects/")
    with queries(at_most=6) as small:
        reader.get("/projects/")

    for _ in range(10):
        MemberFactory(project=ProjectFactory(owner=alice))

    with queries(equal_to=small):
        reader.get("/projects/")


def test_shows_a_project_with_its_tasks_and_members(task, bob):
    TaskFactory(project=ProjectFactory(owner=bob), title="Elsewhere")

    response = logged_in_client(bob).get("/projects/OPS/")

    assert [row.task.title for row in response.context["rows"]] == ["Fix the printer"]
    assert [member.user.name for member in response.context["members"]] == ["Alice", "Bob"]


def test_answers_the_table_alone_to_htmx(task, bob):
    response = logged_in_client(bob).get("/projects/OPS/?search=printer", headers=htmx_headers("section#results"))

    assert not is_full_page(response)
    assert "Fix the printer" in visible_text(response)


def test_hides_a_project_from_strangers(project, mallory):
    assert logged_in_client(mallory).get("/projects/OPS/").status_code == 404


def test_creates_a_project_of_ones_own(bob):
    response = logged_in_client(bob).post("/projects/new/", {"name": "Web", "key": "web"})

    assert (response.status_code, response["Location"]) == (302, "/projects/WEB/")
    assert Project.objects.get().owner == bob


@pytest.mark.parametrize(
    ("name", "key"), [("", "WEB"), ("Web", "1A"), ("Web", "W"), ("Web", "OPS"), ("Web", "TOOLONGAKEY")]
)
def test_names_what_is_wrong_with_a_new_project(name, key, project, bob):
    response = logged_in_client(bob).post("/projects/new/", {"name": name, "key": key})

    assert response.status_code == 422
    assert Project.objects.count() == 1


def test_renames_a_project(project, alice):
    sent = {"name": "Ops", "description": "Night work", "version": "1"}

    assert logged_in_client(alice).post("/projects/OPS/edit/", sent).status_code == 302
    assert Project.objects.get().name == "Ops"


def test_shows_a_conflict_over_a_project(project, alice):
    response = logged_in_client(alice).post("/projects/OPS/edit/", {"name": "Ops", "version": "7"})

    assert response.status_code == 409
    assert Project.objects.get().name == "Operations"


def test_archives_a_project_and_brings_it_back(project, alice):
    reader = logged_in_client(alice)

    reader.post("/projects/OPS/edit/", {"archive": "yes"})
    archived = Project.objects.get().archived_at
    assert "This project is archived, so its tasks are read-only. Unarchive it" in visible_text(
        reader.get("/projects/OPS/")
    )
    reader.post("/projects/OPS/edit/", {"archive": "no"})

    assert archived is not None
    assert Project.objects.get().archived_at is None


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("carol", 403), ("mallory", 404), ("admin", 302)])
def test_lets_only_its_admins_edit_it(who, status, project, request):
    response = logged_in_client(request.getfixturevalue(who)).post(
        "/projects/OPS/edit/", {"name": "Mine", "version": "1"}
    )

    assert response.status_code == status
    assert (Project.objects.get().name == "Mine") is (status == 302)


def roles(project):
    return dict(ProjectMember.objects.filter(project=project).values_list("user__handle", "role"))


def test_adds_changes_and_removes_a_member(project, alice, mallory):
    reader = logged_in_client(alice)

    reader.post("/projects/OPS/members/", {"user": str(mallory.pk), "role": "viewer"})
    added = roles(project)
    reader.post(f"/projects/OPS/members/{mallory.pk}/", {"role": "editor"})
    changed = roles(project)
    reader.post(f"/projects/OPS/members/{mallory.pk}/remove/")

    assert added["mallory"] == "viewer"
    assert changed["mallory"] == "editor"
    assert roles(project) == {"alice": "admin", "bob": "editor"}


def test_names_what_is_wrong_with_a_new_member(project, alice):
    response = logged_in_client(alice).post("/projects/OPS/members/", {"user": "nobody", "role": "owner"})

    assert response.status_code == 422
    assert roles(project) == {"alice": "admin", "bob": "editor"}


def test_keeps_the_last_admin(project, alice):
    response = logged_in_client(alice).post(f"/projects/OPS/members/{alice.pk}/remove/")

    assert response.status_code == 409
    assert roles(project) == {"alice": "admin", "bob": "editor"}


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("carol", 403), ("mallory", 404)])
def test_lets_only_admins_choose_members(who, status, project, mallory, request):
    response = logged_in_client(request.getfixturevalue(who)).post(
        "/projects/OPS/members/", {"user": str(mallory.pk), "role": "admin"}
    )

    assert response.status_code == status
    assert roles(project) == {"alice": "admin", "bob": "editor"}


def test_lets_a_member_leave(project, bob):
    response = logged_in_client(bob).post(f"/projects/OPS/members/{bob.pk}/remove/")

    assert response["Location"] == "/projects/"
    assert roles(project) == {"alice": "admin"}
