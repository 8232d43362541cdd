from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from events.publishing import publish
from tasks import events, selectors
from tasks.models import Label, TaskAssignee
from tasks.services.shared import check_version, forget_answers, require_current, require_editor


@transaction.atomic
def delete_task(*, actor: User, ref: str, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Delete a task with its comments; its subtasks stay, without a parent. The log keeps what it was."""
    task = selectors.lock_task(actor, ref)
    require_editor(actor, task.project)
    require_current(task.project)
    check_version(task, versions, {})
    people = TaskAssignee.objects.filter(task=task).values_list("user_id", flat=True)
    labels = Label.objects.filter(tasks=task).values_list("name", flat=True)
    task.version += 1
    fact = events.TaskDeleted(task=events.state_of(task, assignee_ids=people, labels=labels))
    project = task.project
    task.delete()
    publish(fact, actor=actor, at=now)
    forget_answers(project)
