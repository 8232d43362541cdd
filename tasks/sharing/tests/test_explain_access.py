"""Explanations of access: they agree with the policies, and only some users may request them."""

from __future__ import annotations

import itertools

import pytest

from accounts.models import User
from accounts.tests.factories import TeamFactory, TeamMemberFactory, UserFactory
from core.testing.database_state import table_digests
from tasks import policies
from tasks.models import Project, ProjectMember
from tasks.projects import selectors as projects_selectors
from tasks.sharing import selectors
from tasks.tests.factories import MemberFactory, ProjectTeamFactory, TaskFactory, TaskShareFactory

URL = "/api/v1/explain-access/"

pytestmark = pytest.mark.django_db


def codes(response):
    return [(reason["code"], reason["role"]) for reason in response.json()["reasons"]]


def test_way_to_a_task_is_named(alice, bob, project, task, clients):
    team = TeamMemberFactory(team=TeamFactory(name="Crew"), user=bob).team
    ProjectTeamFactory(project=project, team=team, role="commenter")
    TaskShareFactory(task=task, user=bob, role="viewer", shared_by=alice)

    response = clients["alice"].get(f"{URL}?task={task.key}&user={bob.pk}")

    assert (response.status_code, response.json()["role"], response.json()["user"]["name"]) == (200, "editor", "Bob")
    assert [reason["message"] for reason in response.json()["reasons"]] == [
        "Bob is an editor of Operations.",
        "Bob is in the team Crew, which is a commenter of Operations.",
        "This task was shared with Bob as a viewer by Alice.",
    ]
    assert response.json()["permissions"] == {
        "see": True,
        "comment": True,
        "edit": True,
        "delete": True,
        "share": True,
        "manage_project": False,
    }


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("mallory", [("nothing", None)]),
        ("carol", [("staff", "viewer")]),
        ("admin", [("administrator", "admin")]),
        ("alice", [("member", "admin")]),
    ],
)
def test_site_role_is_explained(who, expected, project, request, clients):
    user = request.getfixturevalue(who)

    assert codes(clients["alice"].get(f"{URL}?project=OPS&user={user.pk}")) == expected


def test_restrictions_are_explained(alice, bob, project, inbox, clients):
    User.objects.filter(pk=bob.pk).update(is_active=False)
    Project.objects.filter(pk=project.pk).update(archived_at="2026-01-01T00:00Z")

    of_bob = clients["alice"].get(f"{URL}?project=OPS&user={bob.pk}").json()
    of_inbox = clients["alice"].get(f"{URL}?project={inbox.key}")

    assert ([one["code"] for one in of_bob["reasons"]], of_bob["role"]) == (["member", "deactivated", "archived"], None)
    assert set(of_bob["permissions"].values()) == {False}
    assert codes(of_inbox) == [("member", "admin"), ("inbox", None)]


@pytest.mark.parametrize(
    ("reader", "about_oneself", "about_another"),
    [
        ("mallory", 404, 404),
        ("viewer", 200, 403),
        ("bob", 200, 403),
        ("project_admin", 200, 200),
        ("carol", 200, 200),
        ("admin", 200, 200),
    ],
)
def test_only_those_who_answer_for_it_may_ask_about_others(
    reader, about_oneself, about_another, alice, project, task, clients, request
):
    user, before = request.getfixturevalue(reader), clients[reader] and table_digests()

    reasons = [
        clients[reader].get(f"{URL}?task={task.key}").status_code,
        clients[reader].get(f"{URL}?task={task.key}&user={user.pk}").status_code,
        clients[reader].get(f"{URL}?task={task.key}&user=me").status_code,
        clients[reader].get(f"{URL}?task={task.key}&user={alice.pk}").status_code,
    ]

    assert reasons == [about_oneself] * 3 + [about_another]
    assert table_digests() == before


@pytest.mark.parametrize("who", ["mallory", "carol"])
def test_guest_of_an_inbox_may_ask_about_themselves_only(who, alice, inbox, request, clients):
    task = TaskFactory(project=inbox)
    TaskShareFactory(task=task, user=request.getfixturevalue(who), role="editor", shared_by=alice)

    own = clients[who].get(f"{URL}?task={task.key}")

    assert codes(own) == [("share", "editor"), ("inbox", None)]
    assert {name for name, permissions in own.json()["permissions"].items() if permissions} == {
        "see",
        "comment",
        "edit",
    }
    assert clients[who].get(f"{URL}?task={task.key}&user={alice.pk}").status_code == 403


@pytest.mark.parametrize("query", ["", "task=OPS-1&project=OPS", "user=me", "task=OPS-1&user=bob", "task=OPS-1&user="])
def test_explain_access_invalid_query_is_a_400(query, task, clients):
    assert clients["alice"].get(f"{URL}?{query}").status_code == 400


def test_unknown_user_is_reported_by_field(task, clients):
    response = clients["alice"].get(f"{URL}?task={task.key}&user={task.pk}")

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "user")


def test_explanation_is_what_the_rules_say(project, inbox):
    """All of site_role, own role, team's role and share, in a project and an inbox: 3 x 3 x 3 x 3 x 2."""
    ways = itertools.product(
        ("user", "staff", "admin"), (None, "viewer", "admin"), (None, "commenter", "editor"), (None, "viewer", "editor")
    )
    tasks = [TaskFactory(project=home) for home in (project, inbox)]
    for (site_role, own, by_team, shared), task in itertools.product(ways, tasks):
        user = UserFactory(role=site_role)
        if own:
            MemberFactory(project=task.project, user=user, role=own)
        if by_team:
            ProjectTeamFactory(project=task.project, team=TeamMemberFactory(user=user).team, role=by_team)
        if shared:
            TaskShareFactory(task=task, user=user, role=shared)
        user.refresh_from_db()

        explanation = policies.explain(selectors.get_access_record(user, task.project, task))

        case = (site_role, own, by_team, shared, task.project.is_inbox)
        assert explanation.role == selectors.project_and_task_role(user, task)[1], case
        assert explanation.permissions["see"] is (task in type(task).objects.visible_to(user)), case
        assert explanation.permissions["manage_project"] is policies.can_manage(
            projects_selectors.project_role(user, task.project)
        ), case
        assert policies.highest(*(reason.role for reason in explanation.reasons)) == explanation.role, case
        row = ProjectMember.objects.filter(project=task.project, user=user).first()
        assert (row.effective_role if row else None) == policies.highest(own, by_team), case
