from __future__ import annotations

import pytest

from accounts.tests.factories import UserFactory
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client, visible_text
from tasks.models import Project, Task
from tasks.tests.factories import MemberFactory, ProjectFactory, TaskFactory

TASKS = "/api/v1/tasks/"

pytestmark = pytest.mark.django_db


def changed_since(before):
    """The tables that differ; a client's own session may have been opened in between."""
    return {name for name, value in table_digests().items() if value != before[name]} - {"accounts_session"}


def error_fields(response):
    return [(error["field"], error["code"]) for error in response.json()["errors"]]


def test_task_with_title_only_lands_in_own_inbox(clients, alice, outbox):
    first = clients["alice"].post(TASKS, {"title": "  Call the bank "})
    second = clients["alice"].post(TASKS, {"title": "Buy milk"})

    inbox = Project.objects.get()
    assert (first.status_code, second.status_code) == (201, 201)
    assert (inbox.is_inbox, inbox.owner, inbox.name) == (True, alice, "Personal")
    task = Task.objects.get(number=1)
    assert first["Location"] == f"{TASKS}{task.pk}/"
    assert first.json() == {
        "id": str(task.pk),
        "key": f"{inbox.key}-1",
        "number": 1,
        "project": {"id": str(inbox.pk), "key": inbox.key, "name": "Personal"},
        "title": "Call the bank",
        "description": "",
        "status": "todo",
        "category": "todo",
        "priority": "none",
        "start_date": None,
        "due_date": None,
        "due_at": None,
        "estimate": None,
        "section": None,
        "parent": None,
        "creator": {"id": str(alice.pk), "name": "Alice", "handle": "alice", "role": "user"},
        "assignees": [],
        "labels": [],
        "position": task.position,
        "progress": {"subtasks": {"done": 0, "total": 0}, "checklist": {"done": 0, "total": 0}},
        "is_recurring": False,
        "version": 1,
        "created_at": first.json()["created_at"],
        "updated_at": first.json()["created_at"],
        "started_at": None,
        "closed_at": None,
    }
    assert (second.json()["number"], second.json()["position"] > task.position) == (2, True)
    assert outbox.names() == ["project.created", "task.created", "task.created"]


def test_task_is_made_with_all_it_can_hold(clients, alice, bob, project, outbox):
    parent = TaskFactory(project=project)

    response = clients["bob"].post(
        TASKS,
        {
            "project": "ops",
            "title": "Fix the printer",
            "description": "# Why\n",
            "status": "in_progress",
            "priority": "urgent",
            "start_date": "2026-05-01",
            "due_at": "2026-05-04T11:30:00+02:00",
            "estimate": 90,
            "parent": str(parent.pk),
            "assignees": [str(alice.pk), str(bob.pk), str(alice.pk)],
            "labels": ["Red", " blue ", "red"],
        },
    )

    body = response.json()
    assert response.status_code == 201
    plain = ("key", "status", "category", "priority", "start_date", "due_date", "due_at", "estimate", "labels")
    assert [body[name] for name in plain] == [
        "OPS-2", "in_progress", "in_progress", "urgent", "2026-05-01", None, "2026-05-04T09:30:00Z", 90, ["blue", "red"],
    ]  # fmt: skip
    assert body["parent"] == {"id": str(parent.pk), "key": "OPS-1", "title": "Task 1"}
    assert {user["handle"] for user in body["assignees"]} == {"alice", "bob"}
    assert body["started_at"] == body["created_at"]
    state = outbox.only("task.created")["task"]
    people = sorted([str(alice.pk), str(bob.pk)])
    assert state == {
        "id": body["id"],
        "key": "OPS-2",
        "number": 2,
        "title": "Fix the printer",
        "project_id": str(project.pk),
        "project_key": "OPS",
        "project_name": "Operations",
        "is_inbox": False,
        "status": "in_progress",
        "category": "in_progress",
        "priority": 4,
        "assignee_ids": people,
        "creator_id": str(bob.pk),
        "parent_id": str(parent.pk),
        "start_date": "2026-05-01",
        "due_date": None,
        "due_at": "2026-05-04T09:30:00Z",
        "estimate": 90,
        "labels": ["blue", "red"],
        "created_at": body["created_at"],
        "started_at": body["created_at"],
        "closed_at": None,
        "updated_at": body["updated_at"],
        "version": 1,
    }
    assert [event["assignee_id"] for event in outbox.payloads("task.assigned")] == people
    assert {event["actor"]["name"] for event in outbox.payloads("task.assigned")} == {"Bob"}


def test_closed_status_closes_task_and_category_resolves_status(clients, project):
    made = [
        clients["alice"].post(TASKS, {"title": "x", "project": "OPS", "status": word}) for word in ("done", "cancelled")
    ]

    assert [response.json()["closed_at"] == response.json()["created_at"] for response in made] == [True, True]


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"status": "nonsense"}, [("status", "invalid_choice")]),
        ({"title": "Red \x1b[31malert"}, [("title", "control_character")]),
        ({"title": "Next\u0085line"}, [("title", "control_character")]),
        ({"title": "Two\u2028lines"}, [("title", "control_character")]),
        ({"labels": ["bell\x07"]}, [("labels.0", "control_character")]),
        ({"due_date": "2026-05-04", "due_at": "2026-05-04T10:00:00Z"}, [("due_at", "both_given")]),
        ({"start_date": "2027-01-01", "due_date": "2026-12-01"}, [("start_date", "start_after_due")]),
        ({"start_date": "2027-01-01", "due_at": "2026-12-01T10:00:00Z"}, [("start_date", "start_after_due")]),
        ({"labels": [f"label {n}" for n in range(21)]}, [("labels", "max_length")]),
        ({"assignees": ["01a200dc-9b1e-751c-8fa2-6e159714ad44"]}, [("assignees", "not_a_member")]),
        ({"parent": "01a200dc-9b1e-751c-8fa2-6e159714ad44"}, [("parent", "does_not_exist")]),
    ],
)
def test_invalid_task_is_rejected_and_nothing_stored(change, refused, clients, project):
    client, before = clients["alice"], table_digests()

    response = client.post(TASKS, {"title": "x", "project": "OPS", "labels": ["new"], **change})

    assert (response.status_code, error_fields(response)) == (400, refused)
    assert changed_since(before) == set()


def test_only_active_members_are_assigned(clients, project, mallory, carol, viewer):
    gone = MemberFactory(project=project, user=UserFactory(is_active=False)).user
    client, before = clients["alice"], table_digests()

    errors = {
        user.handle: client.post(TASKS, {"title": "x", "project": "OPS", "assignees": [str(user.pk)]}).status_code
        for user in (mallory, carol, gone)
    }

    assert set(errors.values()) == {400}
    assert changed_since(before) == set()
    made = client.post(TASKS, {"title": "x", "project": "OPS", "assignees": [str(viewer.pk)]})
    assert made.status_code == 201


def test_foreign_parent_looks_missing(clients, alice, project):
    foreign, client = TaskFactory(), clients["alice"]

    answers = [
        client.post(TASKS, {"title": "x", "project": "OPS", "parent": str(key)})
        for key in (foreign.pk, "01a200dc-9b1e-751c-8fa2-6e159714ad44")
    ]

    assert [response.status_code for response in answers] == [400, 400]
    assert answers[0].content == answers[1].content


def test_foreign_project_looks_missing(clients, mallory, project):
    client, before = clients["mallory"], table_digests()

    answers = [client.post(TASKS, {"title": "x", "project": ref}) for ref in ("OPS", "NONE", str(project.pk))]

    assert [response.status_code for response in answers] == [404] * 3
    assert len({response.content for response in answers}) == 1
    assert changed_since(before) == set()


def test_archived_project_is_kept_as_it_is(clients, project):
    clients["alice"].post("/api/v1/projects/OPS/archive/")
    before = table_digests()

    response = clients["alice"].post(TASKS, {"title": "x", "project": "OPS"})

    assert (response.status_code, response.json()["code"]) == (409, "archived")
    assert changed_since(before) == set()


@pytest.mark.parametrize("name", ["ΑΣ", "İstanbul", "STRASSE", "ǅ", "Ω", "K"])
def test_label_is_one_label_whatever_the_case_of_its_name(name, clients, project):
    made = [
        clients["alice"].post(TASKS, {"title": "x", "project": "OPS", "labels": [word]})
        for word in (name.lower(), name, name.upper(), name)
    ]

    assert {response.status_code for response in made} == {201}
    assert ProjectFactory._meta.model.objects.get().labels.count() <= 2


def test_control_character_in_title_is_refused_on_pages(alice, project):
    browser = logged_in_client(alice)
    for title in ("Red \x1b[31malert", "\x9b31m alert", "bell\x07"):
        page = browser.post("/tasks/new/", {"title": title, "project": str(project.pk)})

        assert page.status_code == 422
        assert "Write text without control characters." in visible_text(page)
    assert not Task.objects.exists()


def test_line_break_and_tab_in_title_are_kept_as_spaces(alice, project, clients):
    logged_in_client(alice).post("/tasks/new/", {"title": "From\r\na\tpage", "project": str(project.pk)})
    clients["alice"].post(TASKS, {"title": "From\r\nthe\tAPI", "project": "OPS"})

    assert sorted(Task.objects.values_list("title", flat=True)) == ["From a\tpage", "From the\tAPI"]
