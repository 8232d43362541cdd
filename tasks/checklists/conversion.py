"""Conversion of a task to a checklist item; that of an item to a subtask is `services.convert`."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, Invalid, NotAllowed
from core.etags import check_version
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.items import selectors as items_selectors
from tasks.items import services as items
from tasks.models import (
    Attachment,
    Category,
    ChecklistItem,
    Comment,
    CustomFieldValue,
    LinkShare,
    Recurrence,
    Reminder,
    Task,
    TaskRelation,
    TaskShare,
    TimeEntry,
)
from tasks.models.checklist import MAX_ITEMS


@transaction.atomic
def convert_task(
    *, actor: User, ref: str, now: datetime, parent: str = "", versions: frozenset[int] | None = None
) -> ChecklistItem:
    """Replace a task by an item of its parent's checklist, or another task's.

    The task goes to the trash. One with anything that an item cannot hold is refused. Raises NotFound, NotAllowed,
    Conflict, Invalid, VersionConflict.
    """
    items_selectors.lock_project_of_task(actor, ref)
    task = items_selectors.get_task(actor, ref)
    parent_id = _parent_id(actor, task, parent)
    # The parent before its subtask, as where it is deleted.
    above, locked = items_selectors.lock_task(actor, parent_id), items_selectors.lock_task(actor, task.pk)
    if not policies.can_edit(locked.project_role):
        raise NotAllowed(gettext("Only editors of the project may convert its tasks."))
    policies.require_not_archived(locked.task.project)
    check_version(locked.task, versions)
    if lost := parts_beyond_an_item(locked.task):
        raise Conflict(
            gettext("%(key)s can't become a checklist item, which has no: %(lost)s.")
            % {"key": locked.task.key, "lost": ", ".join(lost)},
            code="not_convertible",
        )
    present = ChecklistItem.objects.filter(task=above.task)
    if present.count() >= MAX_ITEMS:
        raise Conflict(
            gettext("A checklist has at most %(max_items)s items.") % {"max_items": MAX_ITEMS}, code="too_many_items"
        )
    last = present.aggregate(last=Max("position"))["last"]
    is_done = locked.task.category == Category.DONE
    item = ChecklistItem.objects.create(
        task=above.task,
        text=locked.task.title,
        is_done=is_done,
        done_at=locked.task.closed_at if is_done else None,
        assignee_id=next(iter(locked.assignee_ids), None),
        due_date=locked.task.due_date,
        position=0 if last is None else last + 1,
        created_at=now,
    )
    event = events.TaskConvertedToItem(
        task=above.payload(),
        item_id=str(item.pk),
        excerpt=item.text,
        converted_id=str(locked.task.pk),
        converted_key=locked.task.key,
    )
    publish(event, actor=actor, at=now)
    items.delete(actor=actor, ref=str(locked.task.pk), now=now)
    invalidate_viewers(above.task.project)
    return item


def _parent_id(actor: User, task: Task, ref: str) -> uuid.UUID:
    if not ref:
        if task.parent_id is None:
            raise Invalid.field("parent", gettext("Name the task whose checklist gets the item."), "required")
        return task.parent_id
    ids = items_selectors.visible_project_id(actor, items_selectors.parse_ref(ref))
    if ids is None or ids[1] != task.project_id:
        raise Invalid.field("parent", gettext("There is no such task in this project."), "does_not_exist")
    if ids[0] == task.pk:
        raise Invalid.field("parent", gettext("A task cannot be an item of its own checklist."), "circle")
    return ids[0]


def parts_beyond_an_item(task: Task) -> list[str]:
    """Return the names of those parts of a task that an item cannot hold."""
    related: dict[str, Any] = {
        "subtasks": Task.objects.filter(parent=OuterRef("pk")),
        "comments": Comment.objects.filter(task=OuterRef("pk")),
        "attachments": Attachment.objects.filter(task=OuterRef("pk")),
        "checklist": ChecklistItem.objects.filter(task=OuterRef("pk")),
        "labels": Task.labels.through.objects.filter(task=OuterRef("pk")),
        "custom fields": CustomFieldValue.objects.filter(task=OuterRef("pk")),
        "relations": TaskRelation.objects.filter(Q(source=OuterRef("pk")) | Q(target=OuterRef("pk"))),
        "time entries": TimeEntry.objects.filter(task=OuterRef("pk")),
        "repetition": Recurrence.objects.filter(task=OuterRef("pk")),
        "reminders": Reminder.objects.filter(task=OuterRef("pk")),
        "guests": TaskShare.objects.filter(task=OuterRef("pk")),
        "links": LinkShare.objects.usable().filter(task=OuterRef("pk")),
    }
    columns = {f"has_{name.replace(' ', '_')}": Exists(rows) for name, rows in related.items()}
    row = Task.objects.filter(pk=task.pk).annotate(**columns).values_list(*columns)[0]
    own = {
        "description": bool(task.description),
        "priority": bool(task.priority),
        "start date": task.start_date is not None,
        "due time": task.due_at is not None,
        "estimate": task.estimate is not None,
        "section": task.section_id is not None,
        f"status {task.state.name}": task.category not in {Category.TODO, Category.DONE},
        "second assignee": task.assignments.count() > 1,
    }
    return [name for name, has in {**own, **dict(zip(related, row, strict=True))}.items() if has]


@transaction.atomic
def take_back(*, actor: User, task_id: str, item_id: uuid.UUID, now: datetime) -> None:
    """Delete the item that a task became, to undo that. Raises NotFound, NotAllowed, and Conflict once it changed."""
    locked = items_selectors.lock_task(actor, task_id)
    policies.require_editor(locked.role)
    policies.require_not_archived(locked.task.project)
    item = ChecklistItem.objects.filter(task=locked.task, pk=item_id).first()
    if item is None or item.version != 1:
        raise Conflict(gettext("The checklist item was changed or deleted since."), code="changed_meanwhile")
    item.delete()
    ChecklistItem.objects.filter(task=locked.task, position__gt=item.position).update(position=F("position") - 1)
    publish(
        events.ChecklistItemRemoved(task=locked.payload(), item_id=str(item_id), excerpt=item.text), actor=actor, at=now
    )
