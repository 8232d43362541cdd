"""Undo of writes by the token of their response."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.conf import settings

from core.testing.database_state import table_digests
from events.models import Event
from tasks.models import Comment, CommentVersion, Task, TrashEntry
from tasks.tests.factories import ChecklistItemFactory, LabelFactory, TaskFactory, TaskRelationFactory, TimeEntryFactory
from tasks.undo.tokens import HEADER

pytestmark = pytest.mark.django_db
TASKS = "/api/v1/tasks/"
UNDO = "/api/v1/undo/"
PEOPLE_FIELDS = {"version", "updated_at"}


@pytest.fixture
def api(clients):
    return clients["alice"]


def undo(api, response, status=200):
    result = api.post(UNDO, {"token": response[HEADER]})
    assert result.status_code == status, result.content
    return result


def state(api, ref):
    """Return a task as GET shows it, without what every write sets."""
    return {name: value for name, value in api.get(f"{TASKS}{ref}/").json().items() if name not in PEOPLE_FIELDS}


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Other"},
        {"description": "New *text*"},
        {"status": "done"},
        {"status": "in_progress"},
        {"priority": "urgent", "estimate": 30},
        {"due_date": "2026-05-01", "start_date": "2026-04-01"},
        {"due_at": "2026-05-01T10:00:00Z"},
        {"labels": ["a", "b"]},
    ],
    ids="-".join,
)
def test_update_is_undone_and_redone(changes, api, task):
    api.patch(f"{TASKS}{task.key}/", {"due_date": "2026-04-30"})  # a former event, of which the times are read
    before = state(api, task.key)
    written = api.patch(f"{TASKS}{task.key}/", changes)
    after = state(api, task.key)

    undone = undo(api, written)
    assert state(api, task.key) == before
    redone = undo(api, undone)
    assert state(api, task.key) == after
    undo(api, redone)
    assert state(api, task.key) == before


def test_assignees_and_parent_are_undone(api, task, bob, project):
    parent = TaskFactory(project=project)
    before = state(api, task.key)
    written = api.patch(f"{TASKS}{task.key}/", {"assignees": [str(bob.pk)], "parent": str(parent.pk)})
    assert state(api, task.key) != before

    undo(api, written)

    assert state(api, task.key) == before


def test_other_fields_changed_meanwhile_stay(api, clients, task):
    written = api.patch(f"{TASKS}{task.key}/", {"title": "Other"})
    clients["bob"].patch(f"{TASKS}{task.key}/", {"estimate": 15})

    undo(api, written)

    task.refresh_from_db()
    assert (task.title, task.estimate) == ("Fix the printer", 15)


def test_same_field_changed_meanwhile_is_named(api, clients, task):
    written = api.patch(f"{TASKS}{task.key}/", {"title": "Other", "estimate": 10})
    clients["bob"].patch(f"{TASKS}{task.key}/", {"title": "Of Bob"})
    before = table_digests()

    response = undo(api, written, status=412)

    assert {"field": "title", "current": "Of Bob", "requested": "Fix the printer"} in response.json()["differences"]
    assert table_digests() == before


def test_creation_is_undone_into_the_trash(api, project):
    created = api.post(TASKS, {"title": "New", "project": "OPS"})
    task_id = created.json()["id"]

    undone = undo(api, created)

    assert undone.json()["exists"] is False
    assert api.get(f"{TASKS}{task_id}/").status_code == 404
    undo(api, undone)
    assert api.get(f"{TASKS}{task_id}/").json()["title"] == "New"


def test_deletion_is_undone_with_subtasks(api, task, project):
    child = TaskFactory(project=project, parent=task)
    before, child_before = state(api, task.key), state(api, child.key)
    deleted = api.delete(f"{TASKS}{task.key}/")
    assert (deleted.status_code, state(api, child.key)["parent"]) == (204, None)

    undone = undo(api, deleted)

    assert (state(api, task.key), state(api, child.key)) == (before, child_before)
    undo(api, undone)
    assert api.get(f"{TASKS}{task.key}/").status_code == 404


def test_move_is_undone(api, task, project):
    others = [TaskFactory(project=project) for _ in range(3)]
    before = state(api, task.key)
    moved = api.post(f"{TASKS}{task.key}/move/", {"after": str(others[1].pk)})

    undone = undo(api, moved)

    assert state(api, task.key) == before
    undo(api, undone)
    assert state(api, task.key)["position"] == moved.json()["position"]


def test_move_is_not_undone_to_a_taken_position(api, task, project):
    other = TaskFactory(project=project)
    last = TaskFactory(project=project)
    old = task.position
    moved = api.post(f"{TASKS}{task.key}/move/", {"after": str(other.pk)})
    Task.objects.filter(pk=last.pk).update(position=old)

    assert undo(api, moved, status=409).json()["code"] == "position_taken"


def test_comments_are_undone_and_redone(api, task, clients):
    url = f"{TASKS}{task.key}/comments/"
    added = api.post(url, {"body": "First"})
    comment_url = f"{url}{added.json()['id']}/"
    edited = api.patch(comment_url, {"body": "Second"})
    again = api.patch(comment_url, {"body": "Third"})

    undo(api, again)
    assert api.get(comment_url).json()["body"] == "Second"
    redone = undo(api, edited)
    assert api.get(comment_url).json()["body"] == "First"
    undo(api, redone)
    assert api.get(comment_url).json()["body"] == "Second"
    deleted = api.delete(comment_url)
    assert not Comment.objects.exists()
    undo(api, deleted)
    assert api.get(comment_url).json()["body"] == "Second"
    undo(api, added)
    assert not Comment.objects.exists()


def test_edit_without_a_former_text_is_not_undone(api, task):
    comment = api.post(f"{TASKS}{task.key}/comments/", {"body": "First"}).json()
    edited = api.patch(f"{TASKS}{task.key}/comments/{comment['id']}/", {"body": "Second"})
    CommentVersion.objects.all().delete()

    assert undo(api, edited, status=400).json()["errors"][0]["field"] == "token"
    assert Comment.objects.get().body == "Second"


def test_project_deletion_is_undone(api, task):
    deleted = api.delete("/api/v1/projects/OPS/")
    assert (deleted.status_code, api.get(f"{TASKS}{task.key}/").status_code) == (204, 404)

    undone = undo(api, deleted)

    assert undone.json() == {
        "name": "project.deleted",
        "task_id": None,
        "project_id": str(task.project_id),
        "key": "OPS",
        "exists": True,
        "job": None,
    }
    assert api.get(f"{TASKS}{task.key}/").json()["title"] == "Fix the printer"


def test_wrong_tokens_are_refused(api, clients, task):
    written = api.patch(f"{TASKS}{task.key}/", {"title": "Other"})
    token = written[HEADER]
    forged = token.replace(token.partition("~")[0], str(int(token.partition("~")[0]) - 1))
    for client, text in ((clients["bob"], token), (api, forged), (api, "x"), (api, "1~2~3")):
        response = client.post(UNDO, {"token": text})
        [error] = response.json()["errors"]
        assert (response.status_code, error["field"], error["code"]) == (400, "token", "invalid")
    Event.objects.update(occurred_at=written_at() - settings.UNDO_PERIOD - timedelta(seconds=1))
    expired = api.post(UNDO, {"token": token})
    assert expired.json()["errors"][0]["code"] == "invalid"
    task.refresh_from_db()
    assert task.title == "Other"


def written_at():
    return Event.objects.latest("pk").occurred_at


def test_writes_without_changes_and_failed_writes_have_no_token(api, task):
    assert HEADER not in api.patch(f"{TASKS}{task.key}/", {"title": task.title})
    assert HEADER not in api.patch(f"{TASKS}{task.key}/", {"title": ""})
    assert HEADER not in api.get(f"{TASKS}{task.key}/")


def test_deletion_is_not_undone_twice(api, task):
    deleted = api.delete(f"{TASKS}{task.key}/")
    undo(api, deleted)

    assert undo(api, deleted, status=409).json()["code"] == "not_in_trash"
    assert not TrashEntry.objects.exists()


def test_writes_of_parts_are_undone_and_redone(api, task, project, alice, subtests):
    url = f"{TASKS}{task.key}"
    others = [ChecklistItemFactory(task=task, text=text, position=place) for place, text in enumerate("abc")]
    entry, related = TimeEntryFactory(task=task, user=alice), TaskFactory(project=project)
    relation = TaskRelationFactory(source=task, target=TaskFactory(project=project))
    label, section = LabelFactory(project=project, name="red"), project.sections.create(name="Phase 1")
    task.labels.add(label)
    Task.objects.filter(pk=task.pk).update(section=section)
    template = project.task_templates.create(name="Weekly", content={"title": "Report"})
    in_project = f"/api/v1/projects/{project.key}"
    lists = {
        "checklist": f"{url}/checklist/",
        "time": f"{url}/time-entries/",
        "relations": f"{url}/relations/",
        "tasks": f"{TASKS}?project={project.key}",
        "labels": "/api/v1/labels/",
        "sections": f"{in_project}/sections/",
        "templates": f"{in_project}/templates/",
    }

    def read():
        """Return all lists without what each write sets; a relation that comes back is another row."""
        rows = {name: api.get(list_url).json()["results"] for name, list_url in lists.items()}
        for row in rows["relations"]:
            row.pop("id")
            row.pop("created_at", None)
        for row in [row for results in rows.values() for row in results]:
            for name in PEOPLE_FIELDS:
                row.pop(name, None)
        return rows

    for method, path, body in (
        ("POST", f"{url}/checklist/", {"text": "d"}),
        ("PATCH", f"{url}/checklist/{others[0].pk}/", {"text": "A", "is_done": True, "position": 2}),
        ("PATCH", f"{url}/checklist/{others[0].pk}/", {"assignee": str(alice.pk), "due_date": "2026-05-01"}),
        ("DELETE", f"{url}/checklist/{others[1].pk}/", None),
        ("POST", f"{url}/checklist/{others[1].pk}/convert/", {}),
        ("POST", f"{url}/time-entries/", {"minutes": 30}),
        ("PATCH", f"{url}/time-entries/{entry.pk}/", {"minutes": 45, "note": "Called them"}),
        ("PATCH", f"{url}/time-entries/{entry.pk}/", {"started_at": "2026-01-01T10:00:00Z"}),
        ("DELETE", f"{url}/time-entries/{entry.pk}/", None),
        ("POST", f"{url}/relations/", {"kind": "blocked_by", "task": related.key}),
        ("DELETE", f"{url}/relations/{relation.pk}/", None),
        ("PATCH", f"/api/v1/labels/{label.pk}/", {"name": "blue"}),
        ("DELETE", f"/api/v1/labels/{label.pk}/", None),
        ("POST", f"{in_project}/sections/", {"name": "Phase 2"}),
        ("PATCH", f"{in_project}/sections/{section.pk}/", {"name": "Phase A"}),
        ("DELETE", f"{in_project}/sections/{section.pk}/", None),
        ("POST", f"{in_project}/templates/", {"name": "Daily", "content": {"title": "Stand-up"}}),
        ("DELETE", f"{in_project}/templates/{template.pk}/", None),
    ):
        with subtests.test(f"{method} {path} {body}"):
            before = read()
            written = api.generic(method, path, json.dumps(body or {}), content_type="application/json")
            assert written.status_code < 300, written.content
            after = read()
            assert before != after
            undone = undo(api, written)
            assert read() == before
            redone = undo(api, undone)
            assert read() == after
            undo(api, redone)
            assert read() == before


def test_part_changed_meanwhile_is_not_undone(api, clients, task):
    item = ChecklistItemFactory(task=task, text="one", position=0)
    url = f"{TASKS}{task.key}/checklist/{item.pk}/"
    written = api.patch(url, {"text": "two"})
    clients["bob"].patch(url, {"text": "three"})
    before = table_digests()

    refused = undo(api, written, status=412)

    assert refused.json()["differences"] == [{"field": "text", "current": "three", "requested": "one"}]
    assert table_digests() == before


def test_stopped_timer_has_no_undo_token(api, task):
    api.post(f"{TASKS}{task.key}/timer/start/")

    assert HEADER not in api.post(f"{TASKS}{task.key}/timer/stop/")
