"""Copies of tasks."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from core.text import truncate
from tasks import policies
from tasks.custom_fields import services as custom_fields
from tasks.items import selectors as items_selectors
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.models import ChecklistItem, ProjectMember, Task

MAX_TITLE_LENGTH = 500


@transaction.atomic
def duplicate(*, actor: User, ref: str, now: datetime) -> Task:
    """Create an open copy of a task in its project, with checklist and custom fields.

    Labels and assignees come along. Comments, files, relations, reminders and the recurrence stay with the
    original. Raises NotFound, NotAllowed, Conflict, Invalid.
    """
    # The project before the task, as everywhere: two locks in one order cannot deadlock.
    items_selectors.lock_project_of_task(actor, ref)
    locked = items_selectors.lock_task(actor, ref)
    original = locked.task
    policies.require_editor(locked.project_role)
    # Whoever has left the project is not assigned to anything new in it.
    members = ProjectMember.objects.filter(
        project=original.project, user__in=locked.assignee_ids, user__is_active=True
    ).values_list("user_id", flat=True)
    scalars = {name: getattr(original, name) for name in Task.SCALAR_FIELDS}
    draft = TaskDraft(
        **scalars | {"title": truncate(gettext("Copy of %(title)s") % {"title": original.title}, MAX_TITLE_LENGTH)},
        parent=original.parent_id,
        section=original.section_id,
        assignees=list(members),
        labels=sorted(locked.labels.values()),
    )
    copy = items.create(actor=actor, draft=draft, now=now, project_ref=str(original.project_id))
    ChecklistItem.objects.bulk_create(
        ChecklistItem(
            task=copy,
            text=item.text,
            assignee_id=item.assignee_id,
            due_date=item.due_date,
            position=item.position,
            created_at=now,
        )
        for item in ChecklistItem.objects.filter(task=original).order_by("position")
    )
    custom_fields.copy_values(original, copy)
    return copy
