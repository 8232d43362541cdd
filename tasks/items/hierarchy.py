from datetime import datetime
from typing import Any

from django.db.models import F

from core.errors import Invalid
from events.outbox import DomainEvent
from tasks import events
from tasks.models import Project, Task


def detach_subtasks(task: Task, now: datetime) -> list[DomainEvent]:
    below = list(
        Task.objects.filter(parent=task).select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True)
    )
    Task.objects.filter(pk__in=below).update(parent=None, version=F("version") + 1, updated_at=now)
    facts: list[DomainEvent] = []
    for one in Task.objects.filter(pk__in=below).with_relations():
        people, labels = [user.pk for user in one.assignees.all()], [label.name for label in one.labels.all()]
        state = events.task_payload(one, assignee_ids=people, labels=labels)
        facts.append(events.TaskUpdated(task=state, changes={"parent": [str(task.pk), None]}))
    return facts


def get_valid_parent(project: Project, parent_id: Any, *, of: Task | None = None) -> Task | None:
    """Return the parent task, refusing another project's, the task itself, and a circle."""
    if parent_id is None:
        return None
    parent = Task.objects.filter(project=project, pk=parent_id).select_related("project").first()
    if parent is None:
        raise Invalid.field("parent", "There is no such task in this project.", "does_not_exist")
    above: Task | None = parent
    while above is not None and of is not None:
        if above.pk == of.pk:
            raise Invalid.field("parent", "A task cannot be below itself.", "circle")
        above = above.parent
    return parent
