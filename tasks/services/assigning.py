from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import F

from accounts.models import User
from events.publishing import Fact, publish_all
from tasks import events
from tasks.models import Project, Task, TaskAssignee


def unassign(*, actor: User | None, project: Project, user_id: uuid.UUID, now: datetime) -> int:
    """Take a person off the open tasks of a project, in the caller's transaction; returns how many there were."""
    rows = Task.objects.filter(project=project, assignments__user=user_id).open().order_by("pk")
    tasks = list(rows.select_for_update(of=("self",), no_key=True))
    TaskAssignee.objects.filter(task__in=tasks, user=user_id).delete()
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(version=F("version") + 1, updated_at=now)
    links = Task.objects.filter(pk__in=[task.pk for task in tasks]).with_people().in_bulk()
    facts: list[Fact] = []
    for task in links.values():
        rest = {person.pk for person in task.assignees.all()}
        state = events.state_of(task, assignee_ids=rest, labels=[label.name for label in task.labels.all()])
        before, after = sorted(map(str, rest | {user_id})), sorted(map(str, rest))
        facts.append(events.TaskUpdated(task=state, changes={"assignees": [before, after]}))
        facts.append(events.TaskUnassigned(task=state, assignee_id=str(user_id)))
    publish_all(facts, actor=actor, at=now)
    return len(tasks)
