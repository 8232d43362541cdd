from __future__ import annotations

import pytest
from django.utils import timezone

from events.models import Event
from tasks.items import services
from tasks.models import Task
from tasks.tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


def test_subtasks_of_deleted_task_stay_and_publish_the_change(alice, project, task):
    below = TaskFactory(project=project, parent=task)

    services.delete(actor=alice, ref=str(task.pk), now=timezone.now())

    left = Task.objects.get()
    assert (left.pk, left.parent_id, left.version) == (below.pk, None, below.version + 1)
    event = Event.objects.get(name="task.updated")
    assert event.subject_id == below.pk
    assert event.payload["changes"] == {"parent": [str(task.pk), None]}
    assert event.payload["task"]["version"] == left.version
    assert Event.objects.filter(name="task.deleted", subject_id=task.pk).count() == 1
