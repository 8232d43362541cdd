import pytest
from django.utils import timezone

from core.testing.database_state import table_digests
from tasks.items import services
from tasks.items.hierarchy import MAX_DEPTH
from tasks.items.tests.test_create_task import changed_since
from tasks.models import Task, TrashEntry
from tasks.tests.factories import TaskFactory
from tasks.trash import services as trash

pytestmark = pytest.mark.django_db
LIMIT = {
    "code": "too_deep",
    "detail": f"Subtasks are nested at most {MAX_DEPTH} levels deep, the topmost task included.",
}


def chain(project, levels, parent=None):
    tasks = []
    for _ in range(levels):
        parent = TaskFactory(project=project, parent=parent)
        tasks.append(parent)
    return tasks


def test_subtask_beyond_the_last_level_is_rejected(clients, alice, project):
    tasks, pair = chain(project, MAX_DEPTH), chain(project, 2)
    client, before = clients["bob"], table_digests()

    refused = [
        client.post("/api/v1/tasks/", {"title": "x", "project": project.key, "parent": str(tasks[-1].pk)}),
        client.patch(f"/api/v1/tasks/{pair[0].key}/", {"parent": str(tasks[-1].pk)}),
        client.patch(f"/api/v1/tasks/{pair[0].key}/", {"parent": str(tasks[-2].pk)}),
        client.patch(f"/api/v1/tasks/{tasks[0].key}/", {"parent": str(pair[0].pk)}),
    ]

    assert [(row.status_code, {name: row.json()[name] for name in LIMIT}) for row in refused] == [(409, LIMIT)] * 4
    assert changed_since(before) == set()
    assert client.patch(f"/api/v1/tasks/{pair[1].key}/", {"parent": str(tasks[-2].pk)}).status_code == 200
    # The copy stands beside its original, on the lowest level.
    assert client.post(f"/api/v1/tasks/{tasks[-1].key}/duplicate/", {}).status_code == 201


def test_restored_task_leaves_out_what_is_too_deep(alice, project):
    top, middle, low = chain(project, 3)
    services.delete(actor=alice, ref=str(middle.pk), now=timezone.now())
    deep = chain(project, MAX_DEPTH)
    # Above and below it nothing has the place that it had.
    Task.objects.filter(pk=top.pk).update(parent=deep[MAX_DEPTH - 3])
    TaskFactory(project=project, parent=low)

    trash.restore(actor=alice, entry_id=TrashEntry.objects.get().pk, now=timezone.now())

    middle.refresh_from_db()
    low.refresh_from_db()
    assert (middle.parent, low.parent) == (top, None)

    services.delete(actor=alice, ref=str(middle.pk), now=timezone.now())
    Task.objects.filter(pk=top.pk).update(parent=deep[MAX_DEPTH - 2])
    trash.restore(actor=alice, entry_id=TrashEntry.objects.get().pk, now=timezone.now())
    middle.refresh_from_db()
    assert middle.parent is None
