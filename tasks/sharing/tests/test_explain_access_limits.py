"""Explanations permit no more than the policies, and nothing in an archived project."""

from __future__ import annotations

import pytest

from accounts.tests.factories import TeamFactory, TeamMemberFactory
from tasks.models import Project
from tasks.tests.factories import MemberFactory, ProjectTeamFactory, TaskFactory, TaskShareFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/explain-access/"
LOOKING, SAYING, DOING = ("see",), ("see", "comment"), ("see", "comment", "edit")
EDITING = (*DOING, "delete", "share")


def allowed(response) -> tuple[str, ...]:
    return tuple(name for name, permissions in response.json()["permissions"].items() if permissions)


def archive(project) -> None:
    Project.objects.filter(pk=project.pk).update(archived_at="2026-01-01T00:00Z")


@pytest.mark.parametrize(
    ("role", "current", "archived"),
    [
        ("viewer", LOOKING, LOOKING),
        ("commenter", SAYING, LOOKING),
        ("editor", EDITING, LOOKING),
        ("admin", (*EDITING, "manage_project"), (*LOOKING, "manage_project")),
    ],
)
def test_permissions_of_role_and_archive_are_explained(role, current, archived, mallory, project, clients):
    MemberFactory(project=project, user=mallory, role=role)
    task = TaskFactory(project=project)
    before = clients["mallory"].get(f"{URL}?task={task.key}")

    archive(project)
    after = clients["mallory"].get(f"{URL}?task={task.key}")

    assert (allowed(before), allowed(after)) == (current, archived)
    assert before.json()["role"] == after.json()["role"] == role
    assert [one["code"] for one in after.json()["reasons"]] == ["member", "archived"]


def test_share_in_archived_project_is_read_only(alice, mallory, task, clients):
    TaskShareFactory(task=task, user=mallory, role="editor", shared_by=alice)
    before = clients["mallory"].get(f"{URL}?task={task.key}")

    archive(task.project)
    after = clients["mallory"].get(f"{URL}?task={task.key}")

    assert (allowed(before), allowed(after)) == (DOING, LOOKING)


def test_role_that_a_team_gives_is_named_by_its_code(mallory, project, clients):
    team = TeamMemberFactory(team=TeamFactory(name="Crew"), user=mallory).team
    ProjectTeamFactory(project=project, team=team, role="commenter")

    (reason,) = clients["mallory"].get(f"{URL}?project=OPS").json()["reasons"]

    assert (reason["code"], reason["role"]) == ("team", "commenter")


def test_share_whose_giver_is_gone_is_named_without_them(mallory, task, clients):
    TaskShareFactory(task=task, user=mallory, role="viewer", shared_by=None)

    (reason,) = clients["mallory"].get(f"{URL}?task={task.key}").json()["reasons"]

    assert (reason["code"], reason["message"]) == ("share", "This task was shared with Mallory as a viewer.")


def test_explanation_without_access_lists_nothing_first(mallory, project, clients):
    archive(project)

    response = clients["alice"].get(f"{URL}?project=OPS&user={mallory.pk}").json()

    assert [one["code"] for one in response["reasons"]] == ["nothing", "archived"]
    assert (response["role"], set(response["permissions"].values())) == (None, {False})
