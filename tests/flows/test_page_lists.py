"""Lists of pages: everything can be reached, archived and deleted objects are out of the way."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from core.testing.page_client import htmx_headers, is_full_page, logged_in_client, visible_text
from notifications.models import Notification
from notifications.tests.factories import make_notification
from tasks.models import Project, ProjectMember, Role, Task
from tasks.projects.services import archive
from tasks.tests.factories import CommentFactory, MemberFactory, ProjectFactory, TaskFactory

pytestmark = pytest.mark.django_db


def follow_links(browser, path, text):
    """Return the text of a page and of all pages behind this link."""
    texts = []
    while path:
        page = browser.get(path)
        texts.append(visible_text(page))
        link = re.search(rf'href="([^"#]*)[^"]*"[^>]*>{text}<', page.content.decode())
        path = f"{page.request['PATH_INFO']}{link[1]}" if link else ""
    return texts


def test_comments_are_all_reachable(task, alice):
    for number in range(205):
        CommentFactory(task=task, author=alice, body=f"Words-{number}.")
    browser = logged_in_client(alice)

    pages = follow_links(browser, "/tasks/OPS-1/", "Show older comments")
    first_link = re.search(r'hx-get="([^"]*before[^"]*)"', browser.get("/tasks/OPS-1/").content.decode())[1]
    fragment = browser.get(first_link, headers=htmx_headers("p#older-comments"))

    assert [len(re.findall(r"Words-\d+\.", page)) for page in pages] == [100, 100, 5]
    assert {number for page in pages for number in re.findall(r"Words-(\d+)\.", page)} == {str(n) for n in range(205)}
    assert all("Comments 205" in page for page in pages)
    assert "Show newest comments" in pages[-1]
    assert not is_full_page(fragment)
    assert "Words-5." in visible_text(fragment)
    assert "Show newest comments" not in visible_text(fragment)


@pytest.mark.parametrize("count", [99, 100, 103])
def test_subtasks_are_all_reachable_with_right_totals(count, task, project, alice):
    for number in range(count):
        closed = {"state": project.states.get(slug="done"), "closed_at": timezone.now()} if number % 50 == 0 else {}
        TaskFactory(project=project, parent=task, title=f"Words-{number}.", **closed)

    pages = follow_links(logged_in_client(alice), "/tasks/OPS-1/", "Show more subtasks")

    assert len(pages) == (2 if count > 100 else 1)
    assert len(set(re.findall(r"Words-(\d+)\.", pages[-1]))) == count
    closed_count = len(range(0, count, 50))
    assert all(f"{closed_count} of {count} done" in page for page in pages)


@pytest.mark.parametrize(
    "query", ["before=x", "before=", "subtasks=x", "subtasks=-1", "subtasks=99999999", "subtasks=٣"]
)
def test_malformed_page_of_a_list_shows_the_first_one(query, task, alice):
    CommentFactory(task=task, body="First page")

    assert "First page" in visible_text(logged_in_client(alice).get(f"/tasks/OPS-1/?{query}"))


@pytest.fixture
def archived(alice, task):
    """Return an archived project with one open and one overdue task."""
    project = ProjectFactory(key="OLD", name="Archived", owner=alice)
    TaskFactory(project=project, title="Left open")
    TaskFactory(project=project, title="Left overdue", due_date=timezone.localdate() - timedelta(days=3))
    archive(actor=alice, ref="OLD", now=timezone.now())
    return project


def test_archived_project_shows_its_own_tasks_only(archived, task, alice, subtests):
    browser = logged_in_client(alice)
    ProjectFactory(key="EMPTY", owner=alice)
    archive(actor=alice, ref="EMPTY", now=timezone.now())
    for path, titles in (
        ("/projects/OLD/", {"Left open", "Left overdue"}),
        ("/projects/OLD/?category=all", {"Left open", "Left overdue"}),
        ("/projects/OLD/?due=overdue", {"Left overdue"}),
        ("/projects/OLD/?project=OPS", {"Left open", "Left overdue"}),
        ("/projects/EMPTY/", set()),
    ):
        with subtests.test(path):
            page = browser.get(path)

            assert {row.task.title for row in page.context["rows"]} == titles
            assert "We ignored" not in visible_text(page)


def test_open_tasks_of_archived_projects_are_out_of_the_way(archived, task, alice):
    browser = logged_in_client(alice)

    titles = {
        path: {row.task.title for row in browser.get(path).context["rows"]}
        for path in ("/tasks/", "/tasks/?category=todo", "/tasks/?due=overdue", "/tasks/?category=all")
    }

    assert titles["/tasks/"] == titles["/tasks/?category=todo"] == {task.title}
    assert titles["/tasks/?due=overdue"] == set()
    assert titles["/tasks/?category=all"] == {task.title, "Left open", "Left overdue"}
    assert "Left overdue" not in visible_text(browser.get("/"))


def test_archived_projects_are_listed_last(archived, alice, project):
    ProjectFactory(key="ZZZ", name="Zulu", owner=alice)

    names = [item.name for item in logged_in_client(alice).get("/projects/").context["projects"]]

    assert names[-1] == "Archived"


def test_notification_about_what_is_gone_says_so(task, project, bob, alice, subtests):
    MemberFactory(project=ProjectFactory(key="LEFT", owner=alice), user=bob)
    left = Project.objects.get(key="LEFT")
    foreign = TaskFactory(project=left, title="Foreign")
    for title, target in (
        ("Here", {"task_id": task.pk, "project_id": project.pk, "url": "/tasks/OPS-1/"}),
        ("Deleted", {"task_id": TaskFactory(project=project).pk, "project_id": project.pk, "url": "/tasks/OPS-2/"}),
        ("Foreign", {"task_id": foreign.pk, "project_id": left.pk, "url": f"/tasks/{foreign.key}/"}),
        ("Left", {"task_id": None, "project_id": left.pk, "url": "/projects/LEFT/"}),
    ):
        make_notification(bob, title=title, **target)
    Task.objects.filter(project=project).exclude(pk=task.pk).delete()
    ProjectMember.objects.filter(project=left, user=bob).delete()
    browser = logged_in_client(bob)

    page = browser.get("/inbox/")

    assert {row.title for row in page.context["page"].rows if row.is_unavailable} == {"Deleted", "Foreign", "Left"}
    assert visible_text(page).count("was deleted, or you no longer have access to it") == 3
    for notification in Notification.objects.all():
        with subtests.test(notification.title):
            target = browser.post(f"/inbox/{notification.pk}/open/")
            landing = browser.get(target["Location"])

            assert landing.status_code == 200
            assert (target["Location"] == "/inbox/") is (notification.title != "Here")


def test_last_admin_rule_is_shown_on_the_page(project, alice, bob, subtests):
    browser = logged_in_client(alice)
    path = f"/projects/OPS/members/{alice.pk}/"
    for url, data in ((f"{path}remove/", {}), (path, {"role": "viewer"}), (path, {"role": "nothing"})):
        with subtests.test(url):
            response = browser.post(url, data)

            assert response.status_code in {400, 409, 422}
            assert "Operations" in visible_text(response) or project.name in visible_text(response)
            assert 'id="form-errors"' in response.content.decode()
            assert "conflicts with another" not in visible_text(response)
            assert ProjectMember.objects.get(project=project, user=alice).role == Role.ADMIN
    # The links of that page are relative to the path of the form.
    landing = browser.get(f"{path}remove/?ordering=title", follow=True)
    assert landing.redirect_chain[-1] == ("/projects/OPS/?ordering=title", 302)


def test_assignee_choices_are_members_of_the_project(project, alice, bob, mallory):
    ProjectFactory(key="OTHER", owner=alice)
    browser = logged_in_client(alice)

    own = browser.get("/tasks/new/").context["form"].fields["assignee"].choices
    page = browser.get(f"/tasks/new/?project={project.pk}", headers=htmx_headers("div#assignee-field"))

    assert {label for _, label in own} == {"Unassigned", alice.name}
    assert not is_full_page(page)
    assert bob.name in visible_text(page)
    assert mallory.name not in visible_text(page)


def test_import_preselects_no_project(project, alice, mallory):
    page = logged_in_client(alice).get("/import/")

    assert page.context["form"].fields["project"].choices[0] == ("", "Choose a project")
    assert re.findall(r'value="(\w*)" selected', page.content.decode()) == [""]
    assert "Create a project first" not in visible_text(page)
    assert "Create a project first" in visible_text(logged_in_client(mallory).get("/import/"))
