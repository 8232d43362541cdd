"""Endpoints and pages of the trash."""

from __future__ import annotations

from html import unescape

import pytest

from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client, visible_text
from tasks.models import Project, Task, TrashEntry
from tasks.tests.factories import CommentFactory, LabelFactory, TaskFactory, make_trash_entry

pytestmark = pytest.mark.django_db
TRASH = "/api/v1/trash/"


def test_entries_are_listed_newest_first_by_cursor(clients, project):
    for number in range(5):
        make_trash_entry(project, name=f"label {number}")
    client = clients["alice"]

    first = client.get(TRASH, {"limit": 3}).json()
    second = client.get(first["next"]).json()

    titles = [entry["title"] for page in (first, second) for entry in page["results"]]
    assert titles == [f"Label label {number} of OPS" for number in (4, 3, 2, 1, 0)]
    assert second["next"] is None


def test_entries_are_filtered_by_project_and_kind(clients, project, task, alice):
    make_trash_entry(project)
    clients["alice"].delete(f"/api/v1/tasks/{task.key}/")

    def kinds(**query):
        return [entry["kind"] for entry in clients["alice"].get(TRASH, query).json()["results"]]

    assert kinds(project="OPS") == ["task", "label"]
    assert kinds(project="OPS", kind="label") == ["label"]
    assert kinds(project="NONE") == []
    wrong = clients["alice"].get(TRASH, {"kind": "rocket"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "kind")


def test_list_query_count_is_constant(clients, project, queries):
    make_trash_entry(project)
    clients["alice"].get(TRASH)
    with queries(at_most=8) as few:
        clients["alice"].get(TRASH)
    for number in range(20):
        make_trash_entry(project, name=f"label {number}")

    with queries(equal_to=few):
        assert len(clients["alice"].get(TRASH, {"limit": 50}).json()["results"]) == 21


def test_inbox_entries_are_hidden_from_admins(clients, inbox, alice):
    task = TaskFactory(project=inbox, title="Private")
    clients["alice"].delete(f"/api/v1/tasks/{task.pk}/")
    entry = TrashEntry.objects.get()

    assert clients["admin"].get(TRASH).json()["results"] == []
    assert clients["admin"].post(f"{TRASH}{entry.pk}/restore/").status_code == 404
    assert clients["alice"].post(f"{TRASH}{entry.pk}/restore/").status_code == 200


def test_restoration_says_what_was_skipped(clients, task, project):
    label = LabelFactory(project=project)
    task.labels.add(label)
    clients["alice"].delete(f"/api/v1/tasks/{task.key}/")
    entry = TrashEntry.objects.get()
    label.delete()

    response = clients["bob"].post(f"{TRASH}{entry.pk}/restore/")

    assert response.json() == {
        "kind": "task",
        "object_id": str(task.pk),
        "title": "OPS-1 Fix the printer",
        "project": {"id": str(project.pk), "key": "OPS", "name": "Operations"},
        "skipped": {"tasks.Task_labels": 1},
    }
    assert clients["bob"].post(f"{TRASH}{entry.pk}/restore/").status_code == 404


def test_purged_entry_is_gone_for_ever(clients, project):
    entry = make_trash_entry(project)
    clients["bob"].get(TRASH)  # signs in
    before = table_digests()
    assert clients["bob"].delete(f"{TRASH}{entry.pk}/").status_code == 403
    assert table_digests() == before

    assert clients["alice"].delete(f"{TRASH}{entry.pk}/").status_code == 204
    assert not TrashEntry.objects.exists()


def test_deleted_task_is_undone_from_its_message(task, alice):
    CommentFactory(task=task)
    page = logged_in_client(alice)

    after = page.post(f"/tasks/{task.key}/delete/", follow=True)
    assert "OPS-1 moved to the trash." in visible_text(after)
    token = after.content.decode().partition('name="token" value="')[2].partition('"')[0]
    undone = page.post("/undo/", {"token": token, "next": "/tasks/"}, follow=True)

    assert undone.request["PATH_INFO"] == f"/tasks/{task.key}/"
    assert "Undone." in visible_text(undone)
    assert Task.objects.get().comments.count() == 1


def test_saved_field_is_undone_from_its_message(task, alice):
    page = logged_in_client(alice)
    form = {"title": "Other", "initial-title": task.title, "status": "todo", "initial-status": "todo"}

    saved = page.post(f"/tasks/{task.key}/", form, follow=True)
    token = saved.content.decode().partition('name="token" value="')[2].partition('"')[0]
    Task.objects.filter(pk=task.pk).update(title="Of Bob", version=9)
    refused = page.post("/undo/", {"token": token, "next": f"/tasks/{task.key}/"}, follow=True)
    Task.objects.filter(pk=task.pk).update(title="Other")
    page.post("/undo/", {"token": token})

    assert "Can't undo: someone has changed the title since." in unescape(visible_text(refused))
    assert Task.objects.get().title == "Fix the printer"


def test_wrong_token_of_a_page_is_a_message(task, alice):
    page = logged_in_client(alice)

    refused = page.post("/undo/", {"token": "x", "next": "https://example.org/"}, follow=True)

    assert refused.request["PATH_INFO"] == "/tasks/"
    assert "Can't undo: This can't be undone any more." in unescape(visible_text(refused))


def test_status_of_a_row_has_an_undo_toast(task, alice):
    page = logged_in_client(alice)
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": f"tr#task-{task.pk}"}

    response = page.post(f"/tasks/{task.key}/cell/status/", {"status": "done"}, headers=headers)

    assert '"undo": "' in response["HX-Trigger"]
    assert "Status saved." in response["HX-Trigger"]


def test_project_is_deleted_and_restored_on_pages(task, alice):
    page = logged_in_client(alice)
    assert "1 open task" in visible_text(page.get("/projects/OPS/delete/"))

    page.post("/projects/OPS/delete/")
    assert not Project.objects.exists()
    trash = page.get("/trash/")
    assert "OPS Operations" in visible_text(trash)
    restored = page.post(f"/trash/{TrashEntry.objects.get().pk}/restore/", follow=True)

    assert restored.request["PATH_INFO"] == "/projects/OPS/"
    assert Task.objects.get() == task


def test_former_member_learns_nothing_of_the_project(clients, task, alice, bob):
    for one in CommentFactory.create_batch(2, task=task, author=bob):
        assert clients["bob"].delete(f"/api/v1/tasks/OPS-1/comments/{one.pk}/").status_code == 204
    ids = list(TrashEntry.objects.values_list("pk", flat=True))
    seen = clients["bob"].get(TRASH).json()["results"]
    assert clients["alice"].delete(f"/api/v1/projects/OPS/members/{bob.pk}/").status_code == 204
    Project.objects.update(name="Secret", key="SECRET")
    before = table_digests()

    listed = clients["bob"].get(TRASH).json()["results"]
    single = clients["bob"].get(f"{TRASH}{ids[0]}/").json()
    hidden = clients["bob"].post(f"{TRASH}{ids[0]}/restore/")

    assert [entry["project"]["key"] for entry in seen] == ["OPS", "OPS"]
    assert [entry["project"] for entry in [*listed, single]] == [None] * 3
    assert table_digests() == before
    task.delete()
    gone = clients["bob"].post(f"{TRASH}{ids[0]}/restore/")
    # A task that is hidden looks like one that was deleted.
    assert (hidden.status_code, hidden.json()["detail"]) == (gone.status_code, gone.json()["detail"])
    assert hidden.json()["code"] == "parent_deleted"
