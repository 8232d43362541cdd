import pytest

from core.testing.page_client import logged_in_client
from tasks.tests.factories import ChecklistItemFactory, TaskFactory, TaskShareFactory

pytestmark = pytest.mark.django_db


def test_progress_counts_visible_subtasks_and_checklist(clients, task, project, mallory, bob):
    client = clients["bob"]
    children = [TaskFactory(project=project, parent=task) for _ in range(3)]
    TaskFactory(project=project, parent=children[0])
    item = ChecklistItemFactory(task=task)
    expected = {"subtasks": {"total": 3, "done": 1}, "checklist": {"total": 1, "done": 0}}
    client.patch(f"/api/v1/tasks/{children[1].key}/", {"status": "cancelled"})

    def listed(client, query="&include=progress"):
        rows = client.get(f"/api/v1/tasks/?parent=none{query}").json()["results"]
        return next(row for row in rows if row["id"] == str(task.pk))

    assert client.get("/api/v1/tasks/OPS-1/").json()["progress"] == expected
    assert listed(client)["progress"] == expected
    assert listed(client, "&include=progress&page=1")["progress"] == expected
    assert "progress" not in listed(client, "")

    client.patch(f"/api/v1/tasks/OPS-1/checklist/{item.pk}/", {"is_done": True})
    assert listed(client)["progress"]["checklist"] == {"total": 1, "done": 1}
    page = logged_in_client(bob).get("/tasks/").content.decode()
    assert "Subtasks done: </span>1/3" in page
    assert "Checklist items done: </span>1/1" in page

    # A guest hears of no subtask but those shared as well.
    TaskShareFactory(task=task, user=mallory)
    assert listed(clients["mallory"])["progress"]["subtasks"] == {"total": 0, "done": 0}
    TaskShareFactory(task=children[1], user=mallory)
    assert clients["mallory"].get("/api/v1/tasks/OPS-1/").json()["progress"]["subtasks"] == {"total": 1, "done": 1}
    assert "Subtasks done: </span>1/1" in logged_in_client(mallory).get("/tasks/").content.decode()
