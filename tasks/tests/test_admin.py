from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.tests.factories import TeamMemberFactory
from core.testing.page_client import log_in
from tasks.models import Comment, Label, Project, ProjectMember, ProjectTeam, State, Task, TrashEntry
from tasks.tests.factories import LabelFactory, TaskFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def pages(client, admin):
    log_in(client, admin)
    return client


def page(name, view, *args):
    return reverse(f"admin:tasks_{name}_{view}", args=[one.pk for one in args])


def filled(task, **changes):
    sent = {"title": task.title, "description": task.description, "priority": task.priority, "status": task.state.slug}
    return sent | {"version": task.version} | changes


def test_task_admin_writes_by_service_as_administrator(pages, admin, task, bob, outbox):
    sent = filled(task, title="Mend it", status="done", assignees="bob@example.com", labels="urgent, Paper")

    response = pages.post(page("task", "change", task), sent)

    task = Task.objects.get()
    assert response.status_code == 302
    assert (task.title, task.category, task.version, task.closed_at is None) == ("Mend it", "done", 2, False)
    assert list(task.assignees.all()) == [bob]
    assert sorted(task.labels.values_list("name", flat=True)) == ["Paper", "urgent"]
    assert outbox.names() == ["task.updated", "task.assigned", "task.completed"]
    assert outbox.only("task.updated")["actor"] == {"id": str(admin.pk), "name": "Admin"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"assignees": "mallory@example.com"}, "Only members of the project can be assigned."),
        ({"assignees": "nobody@example.com"}, "No user has the address nobody@example.com."),
        ({"due_date": "2026-03-02", "due_at_0": "2026-03-02", "due_at_1": "09:00:00"}, "not both"),
        ({"parent": "OPS-999"}, "There is no such task."),
        ({"parent": "nonsense"}, "There is no such task."),
        ({"status": "frozen"}, "Select a valid choice"),
        ({"priority": "9"}, "Select a valid choice"),
        ({"estimate": "99999999"}, "less than or equal to 1000000"),
        ({"title": ""}, "This field is required."),
        ({"title": "a\x00b"}, "Null characters are not allowed."),
        ({"version": "7"}, "This changed since you read it"),
    ],
)
def test_refused_change_shows_why_and_changes_nothing(changes, message, pages, task, mallory, outbox):
    response = pages.post(page("task", "change", task), filled(task, title="Other") | changes)

    assert response.status_code == 200
    assert message in response.content.decode()
    assert Task.objects.get().title == "Fix the printer"
    assert outbox.names() == []


def test_task_cannot_be_below_itself(pages, task):
    response = pages.post(page("task", "change", task), filled(task, parent=task.key))

    assert "A task cannot be below itself." in response.content.decode()
    assert Task.objects.get().parent is None


def test_new_task_gets_the_projects_next_number(pages, project, outbox):
    sent = {"project": project.pk, "title": "Order paper", "priority": 3, "labels": "office"}

    response = pages.post(page("task", "add"), sent)

    assert response.status_code == 302
    assert (Task.objects.get().key, Task.objects.get().priority) == ("OPS-1", 3)
    assert outbox.names() == ["task.created"]


def test_task_of_an_archived_project_is_not_made(pages, project, outbox):
    pages.post(page("project", "change", project), {"name": "Operations", "archived": "on", "version": 1})
    names = outbox.names()

    response = pages.post(page("task", "add"), {"project": project.pk, "title": "Order paper", "priority": 0})

    assert "The project is archived" in response.content.decode()
    assert not Task.objects.exists()
    assert outbox.names() == names == ["project.updated"]


def test_deleted_task_publishes_event(pages, task, comment, outbox):
    confirmation = pages.get(page("task", "delete", task))
    response = pages.post(page("task", "delete", task), {"post": "yes"})

    assert confirmation.status_code == 200
    assert response.status_code == 302
    assert not Task.objects.exists()
    assert outbox.names() == ["task.deleted"]


def test_list_is_searched_by_words_and_by_key(pages, task):
    TaskFactory(project=task.project, title="Water the plants")

    for words in ("print", "OPS-1"):
        response = pages.get(page("task", "changelist"), {"q": words})
        assert [row.title for row in response.context["cl"].result_list] == ["Fix the printer"]


def test_project_is_made_with_its_states(pages, admin, outbox):
    pages.post(page("project", "add"), {"key": "NEW", "name": "Newest"})

    project = Project.objects.get()
    assert (project.owner, project.states.count()) == (admin, 4)
    assert outbox.names() == ["project.created"]


@pytest.mark.parametrize("key", ["ops", "O", "WITH-DASH", "ÜBER"])
def test_malformed_key_is_rejected(key, pages, outbox):
    response = pages.post(page("project", "add"), {"key": key, "name": "Newest"})

    assert "A key is 2 to 10 capital letters" in response.content.decode()
    assert (Project.objects.count(), outbox.names()) == (0, [])


def test_taken_key_is_rejected(pages, project, outbox):
    response = pages.post(page("project", "add"), {"key": "OPS", "name": "Again"})

    assert "There is a project with this key already." in response.content.decode()
    assert Project.objects.count() == 1
    assert outbox.names() == []


def test_deleted_project_goes_to_the_trash_with_its_tasks(pages, task, outbox):
    pages.post(page("project", "delete", task.project), {"post": "yes"}, follow=True)

    assert not Project.objects.exists()
    assert not Task.objects.exists()
    assert TrashEntry.objects.get().kind == "project"
    assert "project.deleted" in outbox.names()


def test_project_is_renamed_and_brought_back(pages, project, outbox):
    pages.post(page("project", "change", project), {"name": "Ops", "archived": "on", "version": 1})
    assert Project.objects.get().archived_at is not None

    pages.post(page("project", "change", project), {"name": "Ops", "version": Project.objects.get().version})

    assert (Project.objects.get().name, Project.objects.get().archived_at) == ("Ops", None)
    assert outbox.names() == ["project.updated"] * 3


def test_people_come_and_go_and_the_last_admin_stays(pages, project, alice, mallory, outbox):
    pages.post(page("projectmember", "add"), {"project": project.pk, "user": mallory.pk, "role": "viewer"})
    member = ProjectMember.objects.get(user=mallory)
    pages.post(page("projectmember", "change", member), {"role": "editor"})
    pages.post(page("projectmember", "delete", member), {"post": "yes"})
    last = ProjectMember.objects.get(user=alice)
    refused = pages.post(page("projectmember", "delete", last), {"post": "yes"}, follow=True)

    assert outbox.names() == ["project.member_added", "project.member_changed", "project.member_removed"]
    assert "A project needs at least one admin." in refused.content.decode()
    assert ProjectMember.objects.filter(pk=last.pk).exists()


def test_teams_come_into_a_project_change_their_role_and_go(pages, project, mallory, outbox):
    team = TeamMemberFactory(user=mallory).team
    pages.post(page("projectteam", "add"), {"project": project.pk, "team": team.pk, "role": "viewer"})
    project_team = ProjectTeam.objects.get()
    pages.post(page("projectteam", "change", project_team), {"role": "editor"})
    role = ProjectMember.objects.get(user=mallory).effective_role
    pages.post(page("projectteam", "delete", project_team), {"post": "yes"})

    assert outbox.names() == ["project.team_added", "project.team_changed", "project.team_removed"]
    assert role == "editor"
    assert not ProjectMember.objects.filter(user=mallory).exists()


def test_state_is_added_renamed_and_removed_while_unused(pages, project, task):
    pages.post(page("state", "add"), {"project": project.pk, "name": "Review", "category": "in_progress"})
    review = State.objects.get(slug="review")
    pages.post(page("state", "change", review), {"name": "In review"})
    refused = pages.post(page("state", "delete", task.state), {"post": "yes"}, follow=True)
    pages.post(page("state", "delete", review), {"post": "yes"})

    assert State.objects.filter(pk=task.state_id).exists()
    assert refused.status_code == 200
    assert not State.objects.filter(slug="review").exists()


def test_labels_are_made_changed_and_removed(pages, project):
    pages.post(page("label", "add"), {"project": project.pk, "name": "Paper", "colour": "#112233"})
    label = Label.objects.get()
    pages.post(page("label", "change", label), {"name": "Ink", "colour": "#112233", "version": 1})
    assert Label.objects.get().name == "Ink"

    pages.post(page("label", "delete", label), {"post": "yes"})

    assert not Label.objects.exists()


def test_duplicate_label_name_is_rejected(pages, project, label):
    other = LabelFactory(project=project, name="slow")

    response = pages.post(page("label", "change", other), {"name": "URGENT", "colour": "#112233", "version": 1})

    assert "has a label of this name already" in response.content.decode()
    assert Label.objects.get(pk=other.pk).name == "slow"


def test_comments_are_removed_but_never_rewritten(pages, comment):
    rewritten = pages.post(page("comment", "change", comment), {"body": "I agree."})
    assert rewritten.status_code == 403
    assert Comment.objects.get().body == comment.body

    pages.post(page("comment", "changelist"), {"action": "remove", "_selected_action": [comment.pk]})

    assert not Comment.objects.exists()
