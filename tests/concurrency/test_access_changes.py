"""Concurrent changes of teams, project members and shares, on real transactions."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.teams import services as teams_services
from accounts.tests.factories import TeamFactory, TeamMemberFactory, UserFactory
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.testing.concurrency import errors_of_type, interleave, run_concurrently
from events.models import Event
from tasks.items import services as items
from tasks.members import services as members
from tasks.members import teams as members_teams
from tasks.models import ProjectMember, ProjectTeam, TaskShare
from tasks.policies import highest
from tasks.sharing import services as sharing
from tasks.tests.factories import ProjectFactory, ProjectTeamFactory

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = range(6)


@pytest.fixture
def teams(alice):
    teams = [TeamFactory(name=f"Team {number}") for number in range(3)]
    for team in teams:
        TeamMemberFactory(team=team, user=alice, role="lead")
    return teams


def assert_access_consistent():
    """Assert that each effective role is the highest of own role and team roles."""
    expected = {}
    for project_id, user_id, role in ProjectMember.objects.filter(role__isnull=False).values_list(
        "project_id", "user_id", "role"
    ):
        expected[project_id, user_id] = role
    team_roles = ProjectTeam.objects.filter(team__memberships__isnull=False)
    for project_id, user_id, role in team_roles.values_list("project_id", "team__memberships__user", "role"):
        expected[project_id, user_id] = str(highest(expected.get((project_id, user_id)), role))
    members = ProjectMember.objects.values_list("project_id", "user_id", "effective_role")
    assert {(project_id, user_id): role for project_id, user_id, role in members} == expected


@pytest.mark.parametrize("round_", ROUNDS)
def test_user_joining_team_during_its_addition_is_member(round_, alice, project, teams):
    users = [UserFactory() for _ in range(4)]
    team = teams[0]

    outcomes = run_concurrently(
        [
            lambda user=user: teams_services.add_member(actor=alice, team_id=team.pk, user_id=user.pk, role="member")
            for user in users
        ]
        + [lambda: members_teams.add(actor=alice, ref="OPS", team_id=team.pk, role="editor")]
    )

    assert errors_of_type(outcomes) == []
    assert_access_consistent()
    assert ProjectMember.objects.filter(project=project, user__in=users).count() == 4


def test_member_of_two_added_teams_is_new_once(alice, bob, mallory, project, teams):
    first, second, _ = teams
    for team in (first, second):
        for user in (bob, mallory):
            TeamMemberFactory(team=team, user=user)

    outcomes = interleave(
        lambda: members_teams.add(actor=alice, ref="OPS", team_id=first.pk, role="viewer"),
        lambda: members_teams.add(actor=alice, ref="OPS", team_id=second.pk, role="editor"),
    )

    assert errors_of_type(outcomes) == []
    events = Event.objects.filter(name="project.team_added").order_by("pk")
    assert [(event.payload["role"], event.payload["new_member_ids"]) for event in events] == [
        ("viewer", [str(mallory.pk)]),
        ("editor", []),
    ]
    assert_access_consistent()


@pytest.mark.parametrize("round_", ROUNDS)
def test_role_after_team_change_is_the_new_teams(round_, alice, bob, project, teams):
    leaving, joining, third = teams
    for team, role in ((leaving, "admin"), (joining, "viewer"), (third, "commenter")):
        ProjectTeamFactory(project=project, team=team, role=role)
        if team is not joining:
            TeamMemberFactory(team=team, user=bob)

    outcomes = run_concurrently(
        [
            lambda: teams_services.remove_member(actor=alice, team_id=leaving.pk, user_id=bob.pk),
            lambda: teams_services.add_member(actor=alice, team_id=joining.pk, user_id=bob.pk, role="member"),
            lambda: teams_services.remove_member(actor=alice, team_id=third.pk, user_id=bob.pk),
            lambda: members.remove(actor=alice, ref="OPS", user_id=bob.pk, now=timezone.now()),
        ]
    )

    assert errors_of_type(outcomes) == []
    assert_access_consistent()
    assert ProjectMember.objects.get(project=project, user=bob).effective_role == "viewer"


@pytest.mark.parametrize("round_", ROUNDS)
def test_member_removed_in_all_ways_at_once_is_gone(round_, alice, bob, project, teams):
    for team in teams:
        TeamMemberFactory(team=team, user=bob)
        ProjectTeamFactory(project=project, team=team)

    outcomes = run_concurrently(
        [lambda t=t: teams_services.remove_member(actor=alice, team_id=t.pk, user_id=bob.pk) for t in teams[:2]]
        + [
            lambda: members_teams.remove(actor=alice, ref="OPS", team_id=teams[2].pk, now=timezone.now()),
            lambda: members.remove(actor=alice, ref="OPS", user_id=bob.pk, now=timezone.now()),
        ]
    )

    assert errors_of_type(outcomes) == []
    assert_access_consistent()
    assert not ProjectMember.objects.filter(project=project, user=bob).exists()


def test_many_team_changes_leave_memberships_consistent(alice, teams):
    projects = [ProjectFactory(owner=alice) for _ in range(3)]
    users = [UserFactory() for _ in range(3)]

    def change(number):
        team, project, user = teams[number % 3], projects[number // 3 % 3], users[number % 5 % 3]
        now, ref = timezone.now(), str(project.pk)
        actions = (
            lambda: members_teams.add(actor=alice, ref=ref, team_id=team.pk, role="editor"),
            lambda: teams_services.add_member(actor=alice, team_id=team.pk, user_id=user.pk, role="member"),
            lambda: members.add(actor=alice, ref=ref, user_id=user.pk, role="viewer"),
            lambda: members_teams.remove(actor=alice, ref=ref, team_id=team.pk, now=now),
            lambda: members.remove(actor=alice, ref=ref, user_id=user.pk, now=now),
            lambda: teams_services.remove_member(actor=alice, team_id=team.pk, user_id=user.pk),
        )
        return actions[number % 7 % 6]

    for start in range(0, 72, 12):
        outcomes = run_concurrently([change(number) for number in range(start, start + 12)])
        # What is missing, or there already, is refused; no other error and no deadlock happens.
        assert errors_of_type(outcomes) == errors_of_type(outcomes, (NotFound, Conflict))
        assert_access_consistent()


@pytest.mark.parametrize("round_", ROUNDS)
def test_task_shared_by_many_is_shared_once(round_, alice, project_admin, mallory, task, outbox):
    outcomes = run_concurrently(
        lambda actor=actor: sharing.add(actor=actor, ref=task.key, role="viewer", user_id=mallory.pk)
        for actor in (alice, project_admin) * 3
    )

    assert errors_of_type(outcomes) == []
    assert TaskShare.objects.get().user == mallory
    assert User.objects.get(pk=mallory.pk).is_guest
    assert outbox.names() == ["user.updated", "task.shared"]


@pytest.mark.parametrize("round_", ROUNDS)
def test_write_of_demoted_member_is_done_before_or_refused(round_, alice, bob, project, task, outbox):
    def demote():
        members.update(actor=alice, ref="OPS", user_id=bob.pk, role="viewer")

    def write():
        with transaction.atomic():
            return items.update(actor=bob, ref=task.key, changes={"title": "New"}, now=timezone.now())

    written, demoted = run_concurrently([write, demote])

    assert demoted is None or not isinstance(demoted, BaseException)
    is_refused = isinstance(written, NotAllowed | Invalid)
    assert is_refused or not isinstance(written, BaseException)
    task.refresh_from_db()
    assert (task.title == "New") is not is_refused
    with pytest.raises(NotAllowed):
        items.update(actor=bob, ref=task.key, changes={"title": "Newer"}, now=timezone.now())
