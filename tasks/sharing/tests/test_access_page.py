"""Access page of a task, and the teams of a project."""

from __future__ import annotations

import pytest

from accounts.tests.factories import TeamFactory, TeamMemberFactory
from core.testing.page_client import logged_in_client, visible_text
from tasks.models import ProjectMember, ProjectTeam, TaskShare
from tasks.tests.factories import ProjectTeamFactory, TaskFactory, TaskShareFactory

pytestmark = pytest.mark.django_db


def page(user, query="", key="OPS-1"):
    return logged_in_client(user).get(f"/tasks/{key}/access/{query}")


def test_names_everybody_and_how_they_came_by_their_role(alice, bob, mallory, carol, admin, project, task):
    team = TeamMemberFactory(team=TeamFactory(name="Crew"), user=mallory).team
    ProjectTeamFactory(project=project, team=team, role="commenter")

    text = visible_text(page(alice))

    assert "Bob Editor, added directly Editor" in text
    assert "Mallory Commenter via team Crew Commenter" in text
    assert "1 staff member can also view this project. 1 administrator can also manage it." in text
    assert "Shared with individuals Not shared with anyone." in text


def test_explains_to_those_who_answer_for_it(alice, bob, mallory, project, task):
    about = f"?user={mallory.pk}"

    assert "Nothing gives Mallory access." in visible_text(page(alice, about))
    assert "Check someone's access" not in visible_text(page(bob, about))
    assert "Nothing gives Mallory" not in visible_text(page(bob, about))
    assert "Choose a person" in visible_text(page(alice, "?user=nobody"))


def test_shares_changes_and_takes_back(alice, mallory, project, task):
    reader = logged_in_client(alice)

    shared = reader.post("/tasks/OPS-1/shares/", {"user": str(mallory.pk), "role": "viewer"}, follow=True)
    first = TaskShare.objects.get().role
    reader.post(f"/tasks/OPS-1/shares/{mallory.pk}/", {"role": "editor"})
    second = TaskShare.objects.get().role
    gone = reader.post(f"/tasks/OPS-1/shares/{mallory.pk}/remove/", follow=True)

    assert (first, second) == ("viewer", "editor")
    assert "OPS-1 shared with Mallory." in visible_text(shared)
    assert "Not shared with anyone." in visible_text(gone)
    assert not TaskShare.objects.exists()


def test_says_what_is_wrong_with_a_share(alice, project, task):
    response = logged_in_client(alice).post("/tasks/OPS-1/shares/", {"user": str(alice.pk), "role": "admin"})
    own = logged_in_client(alice).post("/tasks/OPS-1/shares/", {"user": str(alice.pk), "role": "viewer"})

    assert (response.status_code, own.status_code) == (422, 422)
    assert "You see this task already." in visible_text(own)
    assert not TaskShare.objects.exists()


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("commenter", 403), ("carol", 403), ("mallory", 404)])
def test_only_editors_share(who, status, project, task, request, alice):
    user = request.getfixturevalue(who)

    response = logged_in_client(user).post("/tasks/OPS-1/shares/", {"user": str(alice.pk), "role": "viewer"})

    assert response.status_code == status
    assert not TaskShare.objects.exists()


def test_guest_sees_the_task_and_no_other_people(alice, bob, mallory, carol, project, task):
    task.parent = TaskFactory(project=project, title="Secret plan")
    task.save()
    TaskShareFactory(task=task, user=mallory, role="editor", shared_by=alice)
    TaskShareFactory(task=task, user=carol, role="viewer", shared_by=alice)
    reader = logged_in_client(mallory)

    access, detail = visible_text(page(mallory)), reader.get("/tasks/OPS-1/")

    assert "Shared by Alice" in access
    assert "Bob" not in access + visible_text(detail)
    assert "Carol" not in access
    assert "Secret" not in detail.text
    assert b'name="labels"' not in detail.content
    assert b"/projects/OPS/" not in detail.content
    assert b"/tasks/OPS-1/delete/" not in detail.content


def test_guest_editor_saves_and_leaves(mallory, project, task):
    TaskShareFactory(task=task, user=mallory, role="editor")
    reader = logged_in_client(mallory)

    saved = reader.post("/tasks/OPS-1/", {"title": "New title", "status": "todo", "priority": "0", "version": "1"})
    left = reader.post(f"/tasks/OPS-1/shares/{mallory.pk}/remove/")
    task.refresh_from_db()

    assert (saved.status_code, task.title) == (302, "New title")
    assert left["Location"] == "/tasks/"
    assert reader.get("/tasks/OPS-1/").status_code == 404


def test_teams_are_let_in_changed_and_taken_out(alice, mallory, project):
    team = TeamMemberFactory(team=TeamFactory(name="Crew"), user=alice).team
    TeamMemberFactory(team=team, user=mallory)
    reader = logged_in_client(alice)

    added = reader.post("/projects/OPS/teams/", {"team": str(team.pk), "role": "viewer"}, follow=True)
    reader.post(f"/projects/OPS/teams/{team.pk}/", {"role": "editor"})
    role = ProjectMember.objects.get(user=mallory).effective_role
    reader.post(f"/projects/OPS/teams/{team.pk}/remove/")

    assert "Viewer via team Crew" in visible_text(added)
    assert role == "editor"
    assert not ProjectTeam.objects.exists()
    assert not ProjectMember.objects.filter(user=mallory).exists()


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("carol", 403), ("mallory", 404)])
def test_only_admins_of_the_project_let_teams_in(who, status, project, request):
    user = request.getfixturevalue(who)
    team = TeamMemberFactory(user=user).team

    response = logged_in_client(user).post("/projects/OPS/teams/", {"team": str(team.pk), "role": "admin"})

    assert response.status_code == status
    assert not ProjectTeam.objects.exists()
