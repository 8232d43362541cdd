"""Teams in projects: members gain and lose the team's role with every change."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import TeamMember
from accounts.teams import services as teams
from accounts.tests.factories import TeamFactory, TeamMemberFactory, UserFactory
from core.errors import Conflict, Invalid, NotAllowed
from core.testing.database_state import table_digests
from tasks import privacy
from tasks.members import services
from tasks.members import teams as members_teams
from tasks.models import ProjectMember, Role, TaskAssignee
from tasks.projects import selectors as projects_selectors
from tasks.projects import services as projects
from tasks.tests.factories import (
    AssigneeFactory,
    MemberFactory,
    ProjectFactory,
    ProjectTeamFactory,
    TaskFactory,
    TaskShareFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def crew(alice, mallory):
    """Led by alice, with mallory, who is in none of her projects."""
    team = TeamFactory(name="Crew")
    TeamMemberFactory(team=team, user=alice, role=TeamMember.Role.LEAD)
    TeamMemberFactory(team=team, user=mallory)
    return team


def add(actor, team, role="editor"):
    return members_teams.add(actor=actor, ref="OPS", team_id=team.pk, role=role)


def remove(actor, team):
    members_teams.remove(actor=actor, ref="OPS", team_id=team.pk, now=timezone.now())


def roles(project):
    """{handle: (own role, effective role)} of all members of the project."""
    rows = ProjectMember.objects.filter(project=project)
    return {handle: (own, role) for handle, own, role in rows.values_list("user__handle", "role", "effective_role")}


def test_team_members_get_the_teams_role(alice, mallory, project, crew, clients):
    before = clients["mallory"].get("/api/v1/projects/OPS/").status_code

    add(alice, crew, "commenter")

    assert (before, clients["mallory"].get("/api/v1/projects/OPS/").status_code) == (404, 200)
    assert roles(project)["mallory"] == (None, "commenter")
    assert projects_selectors.project_role(mallory, project) == Role.COMMENTER


def test_team_added_event_lists_new_members(alice, bob, mallory, project, crew, outbox):
    teams.add_member(actor=alice, team_id=crew.pk, user_id=bob.pk, role="member")

    add(alice, crew, "commenter")
    add(alice, crew, "viewer")

    event = outbox.only("project.team_added")
    assert event["user_ids"] == sorted(map(str, [alice.pk, bob.pk, mallory.pk]))
    assert event["new_member_ids"] == [str(mallory.pk)]
    assert "new_member_ids" not in outbox.only("project.team_changed")


def test_highest_of_all_roles_counts(alice, bob, project, crew):
    second = TeamMemberFactory(user=bob).team
    ProjectTeamFactory(project=project, team=second, role="admin")
    teams.add_member(actor=alice, team_id=crew.pk, user_id=bob.pk, role="member")

    add(alice, crew, "viewer")
    assert roles(project) == {"alice": ("admin", "admin"), "bob": ("editor", "admin"), "mallory": (None, "viewer")}

    second.delete()
    assert roles(project)["bob"] == ("editor", "editor")


def test_team_role_change_updates_members_and_versions(alice, mallory, project, crew):
    add(alice, crew, "viewer")

    members_teams.update(actor=alice, ref="OPS", team_id=crew.pk, role="editor")

    member = ProjectMember.objects.get(user=mallory)
    assert (member.effective_role, member.version) == ("editor", 2)
    assert ProjectMember.objects.get(user=alice).version == 1


def test_project_membership_follows_team_membership(alice, project, crew, clients):
    add(alice, crew)
    nina = UserFactory(handle="nina")

    teams.add_member(actor=alice, team_id=crew.pk, user_id=nina.pk, role="member")
    joined = roles(project)
    teams.remove_member(actor=alice, team_id=crew.pk, user_id=nina.pk)

    assert joined["nina"] == (None, "editor")
    assert "nina" not in roles(project)


def test_former_team_member_is_unassigned(alice, mallory, project, task, crew, outbox):
    add(alice, crew)
    with outbox.delivering():
        AssigneeFactory(task=task, user=mallory)
        teams.remove_member(actor=alice, team_id=crew.pk, user_id=mallory.pk)

    assert not TaskAssignee.objects.exists()
    assert outbox.only("task.unassigned")["assignee_id"] == str(mallory.pk)


def test_deleted_team_ends_its_roles_only(alice, bob, mallory, project, task, crew, outbox):
    teams.add_member(actor=alice, team_id=crew.pk, user_id=bob.pk, role="member")
    add(alice, crew, "admin")
    AssigneeFactory(task=task, user=mallory)
    AssigneeFactory(task=task, user=bob)

    with outbox.delivering():
        teams.delete(actor=alice, team_id=crew.pk)

    assert roles(project) == {"alice": ("admin", "admin"), "bob": ("editor", "editor")}
    assert list(task.assignees.all()) == [bob]


def test_team_removal_keeps_members_with_own_role(alice, bob, mallory, project, task, crew, outbox):
    MemberFactory(project=project, user=mallory, role="viewer")
    nina = TeamMemberFactory(team=crew, user=UserFactory(handle="nina")).user
    add(alice, crew)
    for user in (mallory, nina):
        AssigneeFactory(task=task, user=user)

    remove(alice, crew)

    assert roles(project) == {
        "alice": ("admin", "admin"),
        "bob": ("editor", "editor"),
        "mallory": ("viewer", "viewer"),
    }
    assert list(task.assignees.all()) == [mallory]
    assert outbox.only("project.team_removed")["user_ids"] == sorted(map(str, [alice.pk, mallory.pk, nina.pk]))


def test_removed_member_keeps_the_teams_role(alice, bob, project, crew):
    teams.add_member(actor=alice, team_id=crew.pk, user_id=bob.pk, role="member")
    add(alice, crew, "viewer")

    services.remove(actor=alice, ref="OPS", user_id=bob.pk, now=timezone.now())
    assert roles(project)["bob"] == (None, "viewer")
    before = table_digests()
    with pytest.raises(Conflict, match="through a team: Crew"):
        services.remove(actor=alice, ref="OPS", user_id=bob.pk, now=timezone.now())
    assert table_digests() == before

    remove(alice, crew)
    assert "bob" not in roles(project)


def test_role_of_ones_own_can_be_given_on_top(alice, mallory, project, crew):
    add(alice, crew, "viewer")

    services.add(actor=alice, ref="OPS", user_id=mallory.pk, role="editor")

    assert roles(project)["mallory"] == ("editor", "editor")


def test_project_keeps_one_admin_of_its_own(alice, project, crew):
    add(alice, crew, "admin")

    with pytest.raises(Conflict, match="at least one admin"):
        services.update(actor=alice, ref="OPS", user_id=alice.pk, role="viewer")

    assert roles(project)["alice"] == ("admin", "admin")


@pytest.mark.parametrize(
    ("case", "error"),
    [
        ("an inbox", Conflict),
        ("a team that the actor does not see", Invalid),
        ("by an editor", NotAllowed),
    ],
)
def test_team_is_not_let_in(case, error, alice, bob, project, inbox, crew):
    ref, actor, team = "OPS", alice, crew
    if case == "an inbox":
        ref = inbox.key
    elif case == "by an editor":
        actor = bob
    else:
        team = TeamFactory(name="Strangers")
    before = table_digests()

    with pytest.raises(error):
        members_teams.add(actor=actor, ref=ref, team_id=team.pk, role="editor")

    assert table_digests() == before


def test_member_without_any_role_is_removed_by_trigger(bob, project):
    with pytest.raises(IntegrityError, match="an_effective_role_is_known"), transaction.atomic():
        ProjectMember.objects.filter(user=bob).update(role=None)

    assert roles(project)["bob"] == ("editor", "editor")


def test_user_with_many_teams_is_erased_completely(alice, project, crew):
    nina = TeamMemberFactory(team=crew, user=UserFactory(handle="nina")).user
    other = TeamMemberFactory(user=nina).team
    for team in (crew, other):
        ProjectTeamFactory(project=project, team=team)

    nina.delete()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    assert "nina" not in roles(project)


def test_erased_user_leaves_teams_and_shares(alice, bob, mallory, project, task, crew):
    add(alice, crew)
    shared = TaskFactory(project=ProjectFactory(key="ZETA"))
    for user in (bob, mallory):
        AssigneeFactory(task=task, user=user)
        TaskShareFactory(task=shared, user=user)

    privacy.erase_user(mallory.pk, timezone.now())

    assert "mallory" not in roles(project)
    assert not TeamMember.objects.filter(user=mallory).exists()
    assert list(task.assignees.all()) == [bob]
    assert list(shared.shares.values_list("user", flat=True)) == [bob.pk]


def test_project_goes_with_its_teams(alice, crew):
    empty = ProjectFactory(key="EMPTY", owner=alice)
    ProjectTeamFactory(project=empty, team=crew)

    projects.delete(actor=alice, ref="EMPTY", now=timezone.now())

    assert not ProjectMember.objects.filter(project=empty.pk).exists()


def test_cached_response_is_invalidated_by_team_change(alice, mallory, project, task, crew, clients, outbox):
    def total():
        return clients["mallory"].get("/api/v1/tasks/stats/").json()["total"]

    seen = [total()]
    with outbox.delivering():
        add(alice, crew)
    seen.append(total())
    with outbox.delivering():
        teams.remove_member(actor=alice, team_id=crew.pk, user_id=mallory.pk)
    seen.append(total())
    with outbox.delivering():
        teams.add_member(actor=alice, team_id=crew.pk, user_id=mallory.pk, role="member")
    seen.append(total())
    with outbox.delivering():
        remove(alice, crew)

    assert [*seen, total()] == [0, 1, 0, 1, 0]
