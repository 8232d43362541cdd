"""Who may see what while teams, projects and shares change at once, on real transactions."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import add_team_member, remove_team_member
from accounts.tests.factories import TeamFactory, TeamMemberFactory, UserFactory
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.testing.together import overlapping, refusals, together
from events.models import Event
from tasks import services
from tasks.models import ProjectMember, ProjectTeam, TaskShare
from tasks.policies import highest
from tasks.tests.factories import ProjectFactory, ProjectTeamFactory

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = range(6)


@pytest.fixture
def teams(alice):
    made = [TeamFactory(name=f"Team {number}") for number in range(3)]
    for team in made:
        TeamMemberFactory(team=team, user=alice, role="lead")
    return made


def check():
    """Every membership is what its own role and the teams' roles make together, and nobody is missing."""
    expected = {}
    for project_id, user_id, role in ProjectMember.objects.filter(role__isnull=False).values_list(
        "project_id", "user_id", "role"
    ):
        expected[project_id, user_id] = role
    given = ProjectTeam.objects.filter(team__memberships__isnull=False)
    for project_id, user_id, role in given.values_list("project_id", "team__memberships__user", "role"):
        expected[project_id, user_id] = str(highest(expected.get((project_id, user_id)), role))
    found = ProjectMember.objects.values_list("project_id", "user_id", "effective_role")
    assert {(project_id, user_id): role for project_id, user_id, role in found} == expected


@pytest.mark.parametrize("round_", ROUNDS)
def test_who_joins_a_team_while_it_is_let_into_a_project_is_in_it(round_, alice, project, teams):
    people = [UserFactory() for _ in range(4)]
    team = teams[0]

    outcomes = together(
        [lambda p=p: add_team_member(actor=alice, team_id=team.pk, user_id=p.pk, role="member") for p in people]
        + [lambda: services.add_project_team(actor=alice, ref="OPS", team_id=team.pk, role="editor")]
    )

    assert refusals(outcomes) == []
    check()
    assert ProjectMember.objects.filter(project=project, user__in=people).count() == 4


def test_who_comes_with_two_teams_at_once_is_new_with_one_of_them(alice, bob, mallory, project, teams):
    first, second, _ = teams
    for team in (first, second):
        for person in (bob, mallory):
            TeamMemberFactory(team=team, user=person)

    outcomes = overlapping(
        lambda: services.add_project_team(actor=alice, ref="OPS", team_id=first.pk, role="viewer"),
        lambda: services.add_project_team(actor=alice, ref="OPS", team_id=second.pk, role="editor"),
    )

    assert refusals(outcomes) == []
    facts = Event.objects.filter(name="project.team_added").order_by("pk")
    assert [(fact.payload["role"], fact.payload["newcomer_ids"]) for fact in facts] == [
        ("viewer", [str(mallory.pk)]),
        ("editor", []),
    ]
    check()


@pytest.mark.parametrize("round_", ROUNDS)
def test_who_leaves_one_team_and_joins_another_has_the_role_of_the_other(round_, alice, bob, project, teams):
    leaving, joining, third = teams
    for team, role in ((leaving, "admin"), (joining, "viewer"), (third, "commenter")):
        ProjectTeamFactory(project=project, team=team, role=role)
        if team is not joining:
            TeamMemberFactory(team=team, user=bob)

    outcomes = together(
        [
            lambda: remove_team_member(actor=alice, team_id=leaving.pk, user_id=bob.pk),
            lambda: add_team_member(actor=alice, team_id=joining.pk, user_id=bob.pk, role="member"),
            lambda: remove_team_member(actor=alice, team_id=third.pk, user_id=bob.pk),
            lambda: services.remove_member(actor=alice, ref="OPS", user_id=bob.pk, now=timezone.now()),
        ]
    )

    assert refusals(outcomes) == []
    check()
    assert ProjectMember.objects.get(project=project, user=bob).effective_role == "viewer"


@pytest.mark.parametrize("round_", ROUNDS)
def test_nobody_stays_who_is_taken_out_by_all_ways_at_once(round_, alice, bob, project, teams):
    for team in teams:
        TeamMemberFactory(team=team, user=bob)
        ProjectTeamFactory(project=project, team=team)

    outcomes = together(
        [lambda t=t: remove_team_member(actor=alice, team_id=t.pk, user_id=bob.pk) for t in teams[:2]]
        + [
            lambda: services.remove_project_team(actor=alice, ref="OPS", team_id=teams[2].pk, now=timezone.now()),
            lambda: services.remove_member(actor=alice, ref="OPS", user_id=bob.pk, now=timezone.now()),
        ]
    )

    assert refusals(outcomes) == []
    check()
    assert not ProjectMember.objects.filter(project=project, user=bob).exists()


def test_many_changes_of_many_teams_in_many_projects_end_in_what_they_say(alice, teams):
    projects = [ProjectFactory(owner=alice) for _ in range(3)]
    people = [UserFactory() for _ in range(3)]

    def change(number):
        team, project, person = teams[number % 3], projects[number // 3 % 3], people[number % 5 % 3]
        now, ref = timezone.now(), str(project.pk)
        verbs = (
            lambda: services.add_project_team(actor=alice, ref=ref, team_id=team.pk, role="editor"),
            lambda: add_team_member(actor=alice, team_id=team.pk, user_id=person.pk, role="member"),
            lambda: services.add_member(actor=alice, ref=ref, user_id=person.pk, role="viewer"),
            lambda: services.remove_project_team(actor=alice, ref=ref, team_id=team.pk, now=now),
            lambda: services.remove_member(actor=alice, ref=ref, user_id=person.pk, now=now),
            lambda: remove_team_member(actor=alice, team_id=team.pk, user_id=person.pk),
        )
        return verbs[number % 7 % 6]

    for start in range(0, 72, 12):
        outcomes = together([change(number) for number in range(start, start + 12)])
        # A thing that is not there, or there already, is refused; nothing else goes wrong, and nothing deadlocks.
        assert refusals(outcomes) == refusals(outcomes, (NotFound, Conflict))
        check()


@pytest.mark.parametrize("round_", ROUNDS)
def test_a_task_is_shared_once_by_many(round_, alice, project_admin, mallory, task, outbox):
    outcomes = together(
        lambda who=who: services.share_task(actor=who, ref=task.key, role="viewer", user_id=mallory.pk)
        for who in (alice, project_admin) * 3
    )

    assert refusals(outcomes) == []
    assert TaskShare.objects.get().user == mallory
    assert User.objects.get(pk=mallory.pk).is_guest
    assert outbox.names() == ["user.updated", "task.shared"]


@pytest.mark.parametrize("round_", ROUNDS)
def test_a_write_of_who_is_being_taken_out_is_done_before_or_not_at_all(round_, alice, bob, project, task, outbox):
    def demote():
        services.change_member(actor=alice, ref="OPS", user_id=bob.pk, role="viewer")

    def write():
        with transaction.atomic():
            return services.update_task(actor=bob, ref=task.key, changes={"title": "New"}, now=timezone.now())

    written, demoted = together([write, demote])

    assert demoted is None or not isinstance(demoted, BaseException)
    refused = isinstance(written, NotAllowed | Invalid)
    assert refused or not isinstance(written, BaseException)
    task.refresh_from_db()
    assert (task.title == "New") is not refused
    assert refusals([services_answer(bob, task)], NotAllowed)


def services_answer(bob, task):
    try:
        return services.update_task(actor=bob, ref=task.key, changes={"title": "Newer"}, now=timezone.now())
    except NotAllowed as refusal:
        return refusal
