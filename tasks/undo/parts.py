"""Undo of writes of checklists, time entries, relations, labels, sections and templates."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from accounts.models import User
from core.etags import merge_changes
from events.models import Event
from tasks.checklists import services as checklists
from tasks.items import selectors as items_selectors
from tasks.items import services as items
from tasks.models import TrashEntry
from tasks.projects import labels
from tasks.relations import services as relations
from tasks.sections import services as sections
from tasks.task_templates import services as task_templates
from tasks.time_tracking import services as time_tracking
from tasks.undo.restoring import restore

# No row has it, so that fields are compared: they must have the values still that the write gave them.
NO_VERSION = frozenset({0})


def lock_for_restoration(actor: User, task_id: str) -> None:
    """Lock relations and the project before the tasks, as every restoration and conversion does."""
    relations.lock_relations()
    items_selectors.lock_project_of_task(actor, task_id)


def _delete_checklist_item(actor: User, event: Event, now: datetime) -> None:
    """Delete an item that was added, or make it a subtask again."""
    item_id, task_id = event.payload["item_id"], event.payload["task"]["id"]
    if subtask_id := _subtask_of(event):
        lock_for_restoration(actor, task_id)
    checklists.delete(actor=actor, ref=task_id, item_id=uuid.UUID(item_id), now=now, subtask_id=subtask_id)
    if subtask_id:
        restore(actor, TrashEntry.Kind.TASK, subtask_id, now)


def _restore_checklist_item(actor: User, event: Event, now: datetime) -> None:
    if subtask_id := event.payload["subtask_id"]:
        lock_for_restoration(actor, event.payload["task"]["id"])
        items.delete(actor=actor, ref=subtask_id, now=now)
    restore(actor, TrashEntry.Kind.CHECKLIST_ITEM, event.payload["item_id"], now)


def _subtask_of(event: Event) -> str:
    """Return the subtask that an item was before this event, by which that was undone."""
    earlier = Event.objects.filter(subject_id=event.subject_id, pk__lt=event.pk, name="task.checklist_item_removed")
    removal = earlier.filter(payload__item_id=event.payload["item_id"]).order_by("-pk").first()
    return str(removal.payload["subtask_id"]) if removal else ""


def _undo_checklist_change(actor: User, event: Event, now: datetime) -> None:
    changes: dict[str, list[Any]] = event.payload["item_changes"]
    before = {name: old for name, (old, _) in changes.items()}
    done_at = before.pop("done_at", None)
    if before.get("assignee"):
        before["assignee"] = uuid.UUID(before["assignee"])
    if before.get("due_date"):
        before["due_date"] = date.fromisoformat(before["due_date"])
    merge_changes(
        lambda versions: checklists.update(
            actor=actor,
            ref=event.payload["task"]["id"],
            item_id=uuid.UUID(event.payload["item_id"]),
            changes=dict(before),
            now=now,
            versions=versions,
            done_at=datetime.fromisoformat(done_at) if done_at else None,
        ),
        NO_VERSION,
        {name: new for name, (_, new) in changes.items()},
    )


def _delete_time_entry(actor: User, event: Event, now: datetime) -> None:
    entry_id = uuid.UUID(event.payload["entry_id"])
    time_tracking.delete(actor=actor, ref=event.payload["task"]["id"], time_entry_id=entry_id, now=now)


def _restore_time_entry(actor: User, event: Event, now: datetime) -> None:
    restore(actor, TrashEntry.Kind.TIME_ENTRY, event.payload["entry_id"], now)


def _undo_time_entry_change(actor: User, event: Event, now: datetime) -> None:
    changes: dict[str, list[Any]] = event.payload["entry_changes"]
    before = {name: old for name, (old, _) in changes.items()}
    ended_at = before.pop("ended_at", None)
    if "started_at" in before:
        before["started_at"] = datetime.fromisoformat(before["started_at"])
    merge_changes(
        lambda versions: time_tracking.update(
            actor=actor,
            ref=event.payload["task"]["id"],
            time_entry_id=uuid.UUID(event.payload["entry_id"]),
            changes=before,
            now=now,
            versions=versions,
            ended_at=datetime.fromisoformat(ended_at) if ended_at else None,
        ),
        NO_VERSION,
        {name: new for name, (_, new) in changes.items()},
    )


def _remove_relation(actor: User, event: Event, now: datetime) -> None:
    relation_id = uuid.UUID(event.payload["relation_id"])
    relations.remove(actor=actor, ref=event.payload["task"]["id"], relation_id=relation_id, now=now)


def _restore_relation(actor: User, event: Event, now: datetime) -> None:
    restore(actor, TrashEntry.Kind.TASK_RELATION, event.payload["relation_id"], now)


def _undo_project_part(actor: User, event: Event, now: datetime) -> None:
    """Undo the creation, deletion or renaming of a label, section or template."""
    project_id, part_id = event.payload["project"]["id"], uuid.UUID(event.payload["part_id"])
    ((plural, (before, after)),) = event.payload["changes"].items()
    if not after:
        restore(actor, {"labels": "label", "sections": "section"}.get(plural, "task_template"), str(part_id), now)
        return
    kind: dict[str, Any] = {
        "labels": {"label_id": part_id},
        "sections": {"ref": project_id, "section_id": part_id},
        "task_templates": {"ref": project_id, "template_id": part_id},
    }[plural]
    services: Any = {"labels": labels, "sections": sections, "task_templates": task_templates}[plural]
    if not before:
        services.delete(actor=actor, now=now, **kind)
        return
    merge_changes(
        lambda versions: services.update(actor=actor, changes={"name": before[0]}, versions=versions, **kind),
        NO_VERSION,
        {"name": after[0]},
    )


INVERSES: dict[str, Callable[[User, Event, datetime], None]] = {
    "task.checklist_item_added": _delete_checklist_item,
    "task.checklist_item_changed": _undo_checklist_change,
    "task.checklist_item_removed": _restore_checklist_item,
    "task.time_logged": _delete_time_entry,
    "task.time_entry_changed": _undo_time_entry_change,
    "task.time_entry_deleted": _restore_time_entry,
    "task.relation_added": _remove_relation,
    "task.relation_removed": _restore_relation,
    "project.updated": _undo_project_part,
}
