"""Checklists: what a write changes, what it refuses, and what happens at the same time."""

from __future__ import annotations

import pytest

from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client
from events.models import Event
from tasks.models import ChecklistItem, Task
from tasks.models.checklist import MAX_ITEMS
from tasks.tests.factories import AssigneeFactory, ChecklistItemFactory, CommentFactory, LabelFactory, TaskFactory

pytestmark = pytest.mark.django_db


def url(task, item=None, action=""):
    return f"/api/v1/tasks/{task.key}/checklist/" + (f"{item}/" if item else "") + action


def test_checklist_item_is_added_changed_and_deleted(clients, task):
    first = clients["alice"].post(url(task), {"text": "  Order boxes "}).json()
    second = clients["alice"].post(url(task), {"text": "Book a van", "due_date": "2026-12-24"}).json()
    done = clients["alice"].patch(url(task, first["id"]), {"is_done": True})
    listed = clients["alice"].get(url(task)).json()["results"]
    deleted = clients["alice"].delete(url(task, second["id"]))

    assert (first["text"], first["is_done"], first["position"], second["position"]) == ("Order boxes", False, 0, 1)
    assert done.json()["is_done"]
    assert done.json()["done_at"]
    assert done.json()["version"] == 2
    assert [item["id"] for item in listed] == [first["id"], second["id"]]
    assert deleted.status_code == 204
    assert list(Event.objects.filter(subject_id=task.pk).order_by("pk").values_list("name", flat=True)) == [
        "task.checklist_item_added",
        "task.checklist_item_added",
        "task.checklist_item_changed",
        "task.checklist_item_removed",
    ]


def test_checklist_item_moves_to_a_place(clients, task):
    items = [ChecklistItemFactory(task=task, text=text, position=10 * place) for place, text in enumerate("abcd")]

    def order_after(text, place):
        item = next(item for item in items if item.text == text)
        assert clients["alice"].patch(url(task, item.pk), {"position": place}).status_code == 200
        return "".join(row["text"] for row in clients["alice"].get(url(task)).json()["results"])

    assert order_after("d", 0) == "dabc"
    assert order_after("a", 3) == "dbca"
    assert order_after("b", 99) == "dcab"


def test_checklist_refuses_what_it_cannot_hold(clients, mallory, task):
    item = ChecklistItemFactory(task=task, text="Order boxes", position=0)
    before = ChecklistItem.objects.values().get()
    rejected = [
        (clients["alice"].post(url(task), {"text": " \u200b "}), 400, "text"),
        (clients["alice"].post(url(task), {"text": "x" * 501}), 400, "text"),
        (clients["alice"].post(url(task), {"text": "x", "is_done": True}), 400, "is_done"),
        (clients["alice"].post(url(task), {"text": "x", "assignee": str(mallory.pk)}), 400, "assignee"),
        (clients["alice"].patch(url(task, item.pk), {"text": ""}), 400, "text"),
        (clients["alice"].patch(url(task, item.pk), {"position": -1}), 400, "position"),
        (clients["alice"].patch(url(task, item.pk), {"assignee": str(mallory.pk)}), 400, "assignee"),
    ]
    stale = clients["alice"].patch(url(task, item.pk), {"text": "y"}, headers={"If-Match": '"7"'})

    for answer, status, field in rejected:
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)
    assert stale.status_code == 412
    assert ChecklistItem.objects.values().get() == before
    assert not Event.objects.filter(subject_id=task.pk).exists()


def test_checklist_has_at_most_a_hundred_items(clients, task):
    for place in range(MAX_ITEMS):
        ChecklistItemFactory(task=task, position=place)

    answer = clients["alice"].post(url(task), {"text": "One more"})

    assert answer.status_code == 409
    assert "100" in answer.json()["detail"]
    assert task.checklist.count() == MAX_ITEMS


def test_checklist_item_converts_to_a_subtask(clients, bob, task):
    item = ChecklistItemFactory(task=task, text="Book a van", assignee=bob, due_date="2026-12-24", position=0)

    answer = clients["alice"].post(url(task, item.pk, "convert/"))

    subtask = Task.objects.get(parent=task)
    assert answer.status_code == 201
    assert answer.json()["id"] == str(subtask.pk)
    assert (subtask.title, str(subtask.due_date)) == ("Book a van", "2026-12-24")
    assert [user.pk for user in subtask.assignees.all()] == [bob.pk]
    assert not task.checklist.exists()


def test_checklist_of_a_hidden_task_is_not_found(clients, mallory, task):
    item = ChecklistItemFactory(task=task, position=0)
    answers = [
        clients["mallory"].get(url(task)),
        clients["mallory"].post(url(task), {"text": "x"}),
        clients["mallory"].patch(url(task, item.pk), {"text": "x"}),
        clients["mallory"].delete(url(task, item.pk)),
    ]
    other = TaskFactory(project__owner=mallory)
    answers.append(clients["mallory"].patch(url(other, item.pk), {"text": "x"}))

    assert {answer.status_code for answer in answers} == {404}
    assert ChecklistItem.objects.get().text == item.text
    assert ChecklistItem.objects.count() == 1


def test_checklist_panel_works_without_scripts(alice, task):
    client = logged_in_client(alice)
    page_url = f"/tasks/{task.key}/"
    client.post(f"{page_url}checklist/", {"text": "Order boxes"})
    item = task.checklist.get()
    client.post(f"{page_url}checklist/{item.pk}/", {"is_done": "true"})
    ticked = client.get(page_url).content.decode()
    client.post(f"{page_url}checklist/{item.pk}/", {"text": "", "version": "2"})
    blank = client.get(page_url).content.decode()

    assert "1 of 1 done" in ticked
    assert "completed the checklist item “Order boxes”" in ticked
    assert "Write what is to be done." in blank
    item.refresh_from_db()
    assert (item.text, item.is_done) == ("Order boxes", True)


def test_plain_subtask_converts_to_an_item_and_back(clients, alice, bob, task, outbox):
    child = TaskFactory(project=task.project, parent=task, title="Order boxes", due_date="2026-12-24")
    AssigneeFactory(task=child, user=bob)
    ChecklistItemFactory(task=task, position=4)

    answer = clients["alice"].post(f"/api/v1/tasks/{child.key}/convert-to-item/", {}, headers={"If-Match": '"1"'})

    item = answer.json()
    assert (answer.status_code, item["text"], item["due_date"]) == (201, "Order boxes", "2026-12-24")
    assert (item["assignee"]["id"], item["position"], item["is_done"]) == (str(bob.pk), 5, False)
    assert not Task.objects.filter(pk=child.pk).exists()
    assert outbox.only("task.converted_to_item")["converted_key"] == child.key
    assert f"converted {child.key} to a checklist item" in logged_in_client(alice).get("/tasks/OPS-1/").content.decode()

    undone = clients["alice"].post("/api/v1/undo/", {"token": answer["Undo-Token"]})

    child.refresh_from_db()
    assert (undone.status_code, child.parent, ChecklistItem.objects.count()) == (200, task, 1)


def test_task_with_more_than_an_item_holds_is_kept(clients, alice, bob, task):
    rich = TaskFactory(project=task.project, parent=task, description="x", estimate=5, priority=3)
    CommentFactory(task=rich)
    rich.labels.add(LabelFactory(project=task.project))
    foreign = TaskFactory()
    TaskFactory(project=task.project, parent=rich)
    before = table_digests()

    refused = [
        clients["alice"].post(f"/api/v1/tasks/{rich.key}/convert-to-item/", {}),
        clients["alice"].post(f"/api/v1/tasks/{task.key}/convert-to-item/", {}),
        clients["alice"].post(f"/api/v1/tasks/{task.key}/convert-to-item/", {"parent": task.key}),
        clients["alice"].post(f"/api/v1/tasks/{task.key}/convert-to-item/", {"parent": foreign.key}),
        clients["alice"].post(f"/api/v1/tasks/{rich.key}/convert-to-item/", {}, headers={"If-Match": '"9"'}),
    ]
    page = logged_in_client(alice).post(f"/tasks/{rich.key}/convert-to-item/", {})

    assert [row.status_code for row in refused] == [409, 400, 400, 400, 412]
    lost = "description, priority, estimate, subtasks, comments, labels"
    assert refused[0].json()["detail"] == f"{rich.key} can't become a checklist item, which has no: {lost}."
    assert (page.status_code, page["Location"]) == (302, f"/tasks/{rich.key}/")
    assert {name for name, value in table_digests().items() if value != before[name]} <= {
        "accounts_session",
        "django_session",
        "accounts_user",
    }
