"""Assignees of tasks: who may be assigned, and what happens when they leave a project."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Invalid
from events.outbox import DomainEvent, publish_all
from tasks import events
from tasks.models import ChecklistItem, Project, ProjectMember, Task, TaskAssignee

# Each assignee is an event and an email; a whole department is better served by a comment.
MAX_ASSIGNEES = 20


def unassign(*, actor: User | None, project: Project, user_id: uuid.UUID, now: datetime) -> int:
    """Unassign a user from the open tasks of a project, in the caller's transaction; returns their number."""
    # Closed tasks keep their assignees: they say who did the work.
    tasks = Task.objects.filter(project=project, assignments__user=user_id).open().order_by("pk")
    # Locked in the order of their ids, so that two of these calls cannot wait for each other.
    task_ids = list(tasks.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    TaskAssignee.objects.filter(task__in=task_ids, user=user_id).delete()
    Task.objects.filter(pk__in=task_ids).update(version=F("version") + 1, updated_at=now)
    items = ChecklistItem.objects.filter(task__project=project, assignee=user_id, is_done=False)
    items.update(assignee=None, version=F("version") + 1)
    published: list[DomainEvent] = []
    # Read again, since each event carries the state after the change.
    for task in Task.objects.filter(pk__in=task_ids).with_relations().order_by("pk"):
        payload = task.payload()
        after = payload["assignee_ids"]
        changes = {"assignees": [sorted([*after, str(user_id)]), after]}
        published.append(events.TaskUpdated(task=payload, changes=changes))
        published.append(events.TaskUnassigned(task=payload, assignee_id=str(user_id)))
    publish_all(published, actor=actor, at=now)
    return len(task_ids)


def lock_assignable_members(project: Project, *assignees: Collection[Any]) -> None:
    """Lock the memberships of the users of each task; raises Invalid unless all are active members of the project.

    Locked, so that no user is assigned while being removed from the project.
    """
    if any(len(set(user_ids)) > MAX_ASSIGNEES for user_ids in assignees):
        raise Invalid.field(
            "assignees", gettext("At most %(max_assignees)s people.") % {"max_assignees": MAX_ASSIGNEES}, "too_many"
        )
    ids = {uuid.UUID(str(user_id)) for user_ids in assignees for user_id in user_ids}
    if not ids:
        return
    members = ProjectMember.objects.filter(project=project, user__in=ids, user__is_active=True)
    locked = members.select_for_update(of=("self",), no_key=True).order_by("user_id")
    if ids != set(locked.values_list("user_id", flat=True)):
        raise Invalid.field("assignees", gettext("Only members of the project can be assigned."), "not_a_member")
