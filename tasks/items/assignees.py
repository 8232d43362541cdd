from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import F

from accounts.models import User
from core.errors import Invalid
from events.outbox import DomainEvent, publish_all
from tasks import events
from tasks.models import Project, ProjectMember, Task, TaskAssignee
from tasks.models.task import MAX_RELATED


def unassign(*, actor: User | None, project: Project, user_id: uuid.UUID, now: datetime) -> int:
    """Take a person off the open tasks of a project, in the caller's transaction; returns how many there were."""
    rows = Task.objects.filter(project=project, assignments__user=user_id).open().order_by("pk")
    tasks = list(rows.select_for_update(of=("self",), no_key=True))
    TaskAssignee.objects.filter(task__in=tasks, user=user_id).delete()
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(version=F("version") + 1, updated_at=now)
    links = Task.objects.filter(pk__in=[task.pk for task in tasks]).with_relations().in_bulk()
    facts: list[DomainEvent] = []
    for task in links.values():
        rest = {user.pk for user in task.assignees.all()}
        state = events.task_payload(task, assignee_ids=rest, labels=[label.name for label in task.labels.all()])
        before, after = sorted(map(str, rest | {user_id})), sorted(map(str, rest))
        facts.append(events.TaskUpdated(task=state, changes={"assignees": [before, after]}))
        facts.append(events.TaskUnassigned(task=state, assignee_id=str(user_id)))
    publish_all(facts, actor=actor, at=now)
    return len(tasks)


def lock_assignable_members(project: Project, user_ids: Collection[Any]) -> list[uuid.UUID]:
    """Return the ids if all are active members of the project; name the field otherwise.

    The memberships are locked, so that nobody is assigned while they are being taken out of the project.
    """
    wanted = {uuid.UUID(str(key)) for key in user_ids}
    if len(wanted) > MAX_RELATED:
        raise Invalid.field("assignees", f"At most {MAX_RELATED} people.", "too_many")
    active = ProjectMember.objects.filter(project=project, user__in=wanted, user__is_active=True)
    locked = active.select_for_update(of=("self",), no_key=True).order_by("user_id")
    found = set(locked.values_list("user_id", flat=True))
    if wanted - found:
        raise Invalid.field("assignees", "Only members of the project can be assigned.", "not_a_member")
    return sorted(found)
