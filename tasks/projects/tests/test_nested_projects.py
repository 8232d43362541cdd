"""Projects below projects: depth, circles, permissions, what a deletion leaves."""

from __future__ import annotations

import pytest

from core.errors import DomainError
from core.testing.concurrency import errors_of_type, run_concurrently
from core.testing.page_client import logged_in_client
from tasks.models import Project
from tasks.projects import services
from tasks.tests.factories import MemberFactory, ProjectFactory

pytestmark = pytest.mark.django_db
PROJECTS = "/api/v1/projects/"


def chain(owner, length):
    projects = []
    for number in range(length):
        parent = projects[-1] if projects else None
        projects.append(ProjectFactory(owner=owner, key=f"L{number}X", parent=parent))
    return projects


def test_parent_is_set_by_the_api_and_removed(clients, project, alice, outbox):
    client = clients["alice"]
    child = client.post(PROJECTS, {"key": "SUB", "name": "Sub", "parent": "OPS"})
    removed = client.patch(f"{PROJECTS}SUB/", {"parent": None})
    put_back = client.patch(f"{PROJECTS}SUB/", {"parent": str(project.pk)})

    assert child.json()["parent"] == {"id": str(project.pk), "key": "OPS", "name": "Operations"}
    assert (removed.json()["parent"], put_back.json()["parent"]["key"]) == (None, "OPS")
    assert outbox.payloads("project.updated")[0]["changes"] == {"parent_id": [str(project.pk), None]}


def test_circles_depth_and_inboxes_are_refused(clients, alice, inbox):
    levels, other = chain(alice, 5), ProjectFactory(owner=alice, key="OTHER")
    cases = [
        ("L0X", "L4X", 400, "circle"),
        ("L0X", "L0X", 400, "circle"),
        ("OTHER", "L4X", 409, "too_deep"),
        ("L0X", "OTHER", 409, "too_deep"),
        ("OTHER", "MEALICE", 400, "inbox"),
        ("MEALICE", "OTHER", 400, "inbox"),
        ("OTHER", "NONE", 400, "does_not_exist"),
    ]
    for key, parent, status, code in cases:
        response = clients["alice"].patch(f"{PROJECTS}{key}/", {"parent": parent})
        body = response.json()
        assert (response.status_code, (body.get("errors") or [body])[0]["code"]) == (status, code), (key, parent)
    created = clients["alice"].post(PROJECTS, {"key": "NEW", "name": "New", "parent": "L4X"})

    assert (created.status_code, Project.objects.filter(key="NEW").exists()) == (409, False)
    assert Project.objects.filter(parent=None).count() == 3
    assert levels[4].parent == levels[3]
    assert not other.parent


def test_parent_needs_an_admin_of_both_and_stays_hidden(clients, project, bob, mallory):
    own = ProjectFactory(owner=bob, key="BOBS")
    refused = clients["bob"].patch(f"{PROJECTS}BOBS/", {"parent": "OPS"})
    Project.objects.filter(pk=own.pk).update(parent=project)
    MemberFactory(project=own, user=mallory)

    assert refused.status_code == 403
    assert clients["mallory"].get(f"{PROJECTS}BOBS/").json()["parent"] is None
    assert clients["mallory"].get(f"{PROJECTS}OPS/").status_code == 404
    assert "Operations" not in logged_in_client(mallory).get("/projects/BOBS/").content.decode()


def test_children_of_a_deleted_project_move_up(clients, alice):
    chain(alice, 3)

    clients["alice"].post(f"{PROJECTS}L0X/archive/")
    archived = Project.objects.filter(archived_at=None).count()
    clients["alice"].delete(f"{PROJECTS}L1X/")

    assert archived == 2
    assert Project.objects.get(key="L2X").parent.key == "L0X"


def test_pages_show_what_a_project_is_below(alice):
    chain(alice, 2)
    page = logged_in_client(alice)
    ProjectFactory(owner=alice, key="AAA", name="Aardvark")
    edited = page.post("/projects/AAA/edit/", {"name": "Aardvark", "parent": "L1X", "version": "1"})
    refused = page.post("/projects/L0X/edit/", {"name": "Top", "parent": "AAA", "version": "1"})

    assert edited.status_code == 302
    assert "A project cannot be below itself." in refused.content.decode()
    assert [(one.key, one.depth) for one in page.get("/projects/").context["projects"]] == [
        ("L0X", 0),
        ("L1X", 1),
        ("AAA", 2),
    ]
    assert [one.key for one in page.get("/projects/AAA/").context["ancestors"]] == ["L0X", "L1X"]


@pytest.mark.django_db(transaction=True)
def test_concurrent_nesting_makes_no_circle(alice):
    first, second = ProjectFactory(owner=alice), ProjectFactory(owner=alice)
    outcomes = run_concurrently(
        (
            lambda one=one, other=other: services.update(
                actor=alice, ref=one.key, changes={"parent": other.key}, now=one.created_at
            )
        )
        for one, other in ((first, second), (second, first))
    )

    assert len(errors_of_type(outcomes, DomainError)) == 1
    assert Project.objects.exclude(parent=None).count() == 1
