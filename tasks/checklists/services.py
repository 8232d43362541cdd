"""Writes of checklists: add, change, order and delete items, and turn one into a subtask."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, Invalid, NotAllowed
from core.etags import check_version
from core.serialization import to_json
from core.sql_templates import update_columns
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.checklists import selectors
from tasks.items import selectors as items_selectors
from tasks.items import services as items
from tasks.items.assignees import lock_assignable_members
from tasks.items.drafts import TaskDraft
from tasks.items.selectors import LockedTask
from tasks.models import ChecklistItem, ProjectMember, Task
from tasks.models.checklist import MAX_ITEMS
from tasks.trash.storage import collect, discard

WRITABLE_FIELDS = ("text", "is_done", "assignee", "due_date", "position")


@transaction.atomic
def add(
    *,
    actor: User,
    ref: str,
    text: str,
    now: datetime,
    assignee: uuid.UUID | None = None,
    due_date: date | None = None,
) -> ChecklistItem:
    """Add an item at the end of a task's checklist. Raises NotFound, NotAllowed, Conflict, Invalid."""
    locked = _lock_task(actor, ref)
    _check_assignee(locked, assignee)
    require_room(locked.task)
    last = ChecklistItem.objects.filter(task=locked.task).aggregate(last=Max("position"))["last"]
    item = ChecklistItem.objects.create(
        task=locked.task,
        text=text,
        assignee_id=assignee,
        due_date=due_date,
        position=0 if last is None else last + 1,
        created_at=now,
    )
    publish(events.ChecklistItemAdded(task=locked.payload(), item_id=str(item.pk), excerpt=text), actor=actor, at=now)
    invalidate_viewers(locked.task.project)
    return item


@transaction.atomic
def update(
    *,
    actor: User,
    ref: str,
    item_id: uuid.UUID,
    changes: dict[str, Any],
    now: datetime,
    versions: frozenset[int] | None = None,
    done_at: datetime | None = None,
) -> ChecklistItem:
    """Change fields of an item; `position` is its new place, counted from 0. It is done `now`, or at `done_at`.

    Raises NotFound, NotAllowed, Conflict, Invalid, VersionConflict.
    """
    if unknown := changes.keys() - set(WRITABLE_FIELDS):
        raise ValueError(f"not part of a checklist item: {unknown}")
    locked, item = _lock_item(actor, ref, item_id)
    before = _field_values(item)
    check_version(item, versions, changes, current=before)
    if "assignee" in changes and changes["assignee"] != item.assignee_id:
        _check_assignee(locked, changes["assignee"])

    columns: dict[str, Any] = {name: changes[name] for name in ("text", "is_done", "due_date") if name in changes}
    if "assignee" in changes:
        columns["assignee_id"] = changes["assignee"]
    if changes.get("is_done", item.is_done) != item.is_done:
        columns["done_at"] = (done_at or now) if changes["is_done"] else None
    if "position" in changes:
        columns["position"] = _make_room(item, changes["position"])
    columns = {name: value for name, value in columns.items() if getattr(item, name) != value}
    # Without a change the version stays and no event is published.
    if not columns:
        return item
    update_columns(item, {**columns, "version": item.version + 1})
    item.refresh_from_db()
    after = _field_values(item)
    event = events.ChecklistItemChanged(
        task=locked.payload(),
        item_id=str(item.pk),
        excerpt=item.text,
        item_changes={name: [before[name], after[name]] for name in before if before[name] != after[name]},
    )
    publish(event, actor=actor, at=now)
    if "is_done" in columns:  # lists show how many are
        invalidate_viewers(locked.task.project)
    return item


@transaction.atomic
def delete(
    *,
    actor: User,
    ref: str,
    item_id: uuid.UUID,
    now: datetime,
    versions: frozenset[int] | None = None,
    subtask_id: str = "",
) -> None:
    """Move an item to the trash; `subtask_id` is the task that it becomes.

    Raises NotFound, NotAllowed, Conflict, VersionConflict.
    """
    locked, item = _lock_item(actor, ref, item_id)
    check_version(item, versions)
    event = events.ChecklistItemRemoved(
        task=locked.payload(), item_id=str(item.pk), excerpt=item.text, subtask_id=subtask_id
    )
    _discard(locked, item, actor, now)
    publish(event, actor=actor, at=now)
    invalidate_viewers(locked.task.project)


@transaction.atomic
def convert(*, actor: User, ref: str, item_id: uuid.UUID, now: datetime) -> Task:
    """Replace an item by a subtask with its text, assignee and due date.

    Raises NotFound, NotAllowed, Conflict, Invalid.
    """
    # The project before the task, as everywhere: two locks in one order cannot deadlock.
    items_selectors.lock_project_of_task(actor, ref)
    locked, item = _lock_item(actor, ref, item_id)
    if not policies.can_edit(locked.project_role):
        raise NotAllowed(gettext("Only editors of the project may add subtasks."))
    # Whoever has left the project is not assigned to anything new in it.
    members = ProjectMember.objects.filter(project=locked.task.project, user=item.assignee_id, user__is_active=True)
    draft = TaskDraft(
        title=item.text,
        parent=locked.task.pk,
        status="done" if item.is_done else "",
        assignees=list(members.values_list("user_id", flat=True)),
        due_date=item.due_date,
    )
    event = events.ChecklistItemRemoved(
        task=locked.payload(), item_id=str(item.pk), excerpt=item.text, subtask_id=str(draft.id)
    )
    _discard(locked, item, actor, now)
    publish(event, actor=actor, at=now)
    return items.create(actor=actor, draft=draft, now=now, project_ref=str(locked.task.project_id))


def require_room(task: Task) -> None:
    """Raise Conflict if the checklist of a task is full."""
    if ChecklistItem.objects.filter(task=task).count() >= MAX_ITEMS:
        raise Conflict(
            gettext("A checklist has at most %(max_items)s items.") % {"max_items": MAX_ITEMS}, code="too_many_items"
        )


def _discard(locked: LockedTask, item: ChecklistItem, actor: User, now: datetime) -> None:
    title, project = f"Checklist item {item.text} of {locked.task.key}", locked.task.project
    discard(collect(item), kind="checklist_item", obj=item, title=title, project=project, actor=actor, now=now)
    ChecklistItem.objects.filter(task=locked.task, position__gt=item.position).update(position=F("position") - 1)


def _lock_task(actor: User, ref: str) -> LockedTask:
    locked = items_selectors.lock_task(actor, ref)
    policies.require_editor(locked.role)
    policies.require_not_archived(locked.task.project)
    return locked


def _lock_item(actor: User, ref: str, item_id: uuid.UUID) -> tuple[LockedTask, ChecklistItem]:
    # The lock of the task orders all writes of its checklist.
    locked = _lock_task(actor, ref)
    return locked, selectors.get_item(locked.task, item_id)


def _check_assignee(locked: LockedTask, user_id: uuid.UUID | None) -> None:
    """Raise unless the actor may assign this user: guests see no members of the project."""
    if user_id is None:
        return
    if not policies.can_edit(locked.project_role):
        raise NotAllowed(gettext("Only editors of the project may assign checklist items."))
    try:
        lock_assignable_members(locked.task.project, [user_id])
    except Invalid as error:
        raise Invalid.field("assignee", error.fields[0].message, error.fields[0].code) from error


def _make_room(item: ChecklistItem, index: int) -> int:
    """Leave a gap between the other items at this place, and return its position."""
    others = list(ChecklistItem.objects.filter(task=item.task_id).exclude(pk=item.pk).order_by("position"))
    index = min(index, len(others))
    for place, other in enumerate(others):
        other.position = place if place < index else place + 1
    ChecklistItem.objects.bulk_update(others, ["position"])
    return index


def _field_values(item: ChecklistItem) -> dict[str, Any]:
    return {
        "text": item.text,
        "is_done": item.is_done,
        "assignee": to_json(item.assignee_id),
        "due_date": to_json(item.due_date),
        "position": item.position,
        "done_at": to_json(item.done_at),
    }
