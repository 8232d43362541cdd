"""Parents and subtasks."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import F

from core.errors import Invalid
from events.outbox import DomainEvent
from tasks import events
from tasks.models import Project, Task

NO_SUCH_PARENT = "There is no such task in this project."


def detach_subtasks(task: Task, now: datetime) -> list[DomainEvent]:
    """Remove a task as the parent of its subtasks, and return their events."""
    # FOR NO KEY UPDATE does not block inserts of rows that refer to these tasks.
    locked = Task.objects.filter(parent=task).select_for_update(no_key=True).order_by("pk")
    subtask_ids = list(locked.values_list("pk", flat=True))
    Task.objects.filter(pk__in=subtask_ids).update(parent=None, version=F("version") + 1, updated_at=now)
    # One event for each subtask, because statistics and activity know tasks one by one.
    changes = {"parent": [str(task.pk), None]}
    subtasks = Task.objects.filter(pk__in=subtask_ids).with_relations()
    return [events.TaskUpdated(task=subtask.payload(), changes=changes) for subtask in subtasks]


def require_tasks_of_project(project: Project, task_ids: Collection[Any]) -> None:
    """Raise Invalid unless all of these parents are tasks of the project."""
    if task_ids and Task.objects.filter(project=project, pk__in=task_ids).count() != len(task_ids):
        raise Invalid.field("parent", NO_SUCH_PARENT, "does_not_exist")


def get_valid_parent(project: Project, parent_id: Any, *, of: Task | None = None) -> Task | None:
    """Return the parent task; raises Invalid for another project's task, the task itself and a cycle."""
    if parent_id is None:
        return None
    parent = Task.objects.filter(project=project, pk=parent_id).select_related("project").first()
    if parent is None:
        raise Invalid.field("parent", NO_SUCH_PARENT, "does_not_exist")
    # Up to the root. The caller has locked the project, so no ancestor is moved meanwhile.
    ancestor: Task | None = parent
    while ancestor is not None and of is not None:
        if ancestor.pk == of.pk:
            raise Invalid.field("parent", "A task cannot be below itself.", "circle")
        ancestor = ancestor.parent
    return parent
