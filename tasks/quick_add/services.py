"""Creation of a task from a quick-add text."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from core.errors import Invalid
from tasks.items import services as items_services
from tasks.items.drafts import TaskDraft
from tasks.models import Task
from tasks.quick_add.interpretation import interpret
from tasks.recurrence import services as recurrence


@transaction.atomic
def create(*, actor: User, text: str, now: datetime, project: str = "") -> Task:
    """Create the task that a text means. Where it names no project: in `project` or the actor's inbox.

    Raises NotFound, NotAllowed, Invalid, Conflict.
    """
    meaning = interpret(user=actor, text=text, now=now, project=project)
    if problem := meaning.title_problem:
        raise Invalid.field("text", problem.message, problem.code)
    draft = TaskDraft(
        title=meaning.title,
        priority=meaning.priority,
        due_date=meaning.due_date,
        due_at=meaning.due_at,
        estimate=meaning.estimate,
        assignees=[user.pk for user in meaning.assignees],
        labels=meaning.labels,
        # Filled in by the actor, who has to give required ones.
        fields={},
    )
    project_ref = str(meaning.project.pk) if meaning.project else ""
    task = items_services.create(actor=actor, draft=draft, now=now, project_ref=project_ref)
    if meaning.rule:
        recurrence.set_recurrence(actor=actor, ref=str(task.pk), values={"rule": meaning.rule}, now=now)
    return task
