"""Restoration of the parts of a task: checklist items, relations, time entries, reminders, recurrences."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from core.errors import Conflict, NotFound, require
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.checklists import services as checklists
from tasks.items import selectors as items_selectors
from tasks.items.selectors import LockedTask
from tasks.models import (
    ChecklistItem,
    ProjectMember,
    Recurrence,
    RelationKind,
    Reminder,
    Task,
    TaskRelation,
    TimeEntry,
    TrashEntry,
)
from tasks.recurrence.schedule import series_of
from tasks.recurrence.wording import describe
from tasks.relations import services as relations
from tasks.reminders import services as reminders
from tasks.time_tracking import services as time_tracking
from tasks.trash.reinsertion import reinsert, require_restored, root_row
from tasks.trash.restoration import Restoration

PARENT_DELETED = gettext_noop("Its task was deleted. Restore the task first.")


def restore_checklist_item(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    """Restore an item at its place, before what is there now; a former member is not assigned again."""
    row = root_row(entry)
    locked = _lock_editable_task(actor, row["task_id"])
    items = ChecklistItem.objects.filter(task=locked.task)
    checklists.require_room(locked.task)
    position = min(row["position"], items.count())
    items.filter(position__gte=position).update(position=F("position") + 1)
    overrides: dict[str, Any] = {"position": position}
    members = ProjectMember.objects.filter(project=locked.task.project_id, user__is_active=True)
    if row["assignee_id"] and not members.filter(user=row["assignee_id"]).exists():
        overrides["assignee_id"] = None
    skipped = reinsert(entry, overrides)
    require_restored(entry, skipped)
    event = events.ChecklistItemAdded(task=locked.payload(), item_id=str(entry.object_id), excerpt=row["text"])
    publish(event, actor=actor, at=now)
    invalidate_viewers(locked.task.project)
    return _restoration(entry, locked, skipped)


def restore_relation(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    """Restore a relation of two visible tasks, by the rules for new ones."""
    row = root_row(entry)
    visible = Task.objects.visible_to(actor).filter(pk__in=[row["source_id"], row["target_id"]])
    ends = {str(task.pk): task for task in visible.with_relations()}
    if len(ends) < 2:
        # The same for a task that is deleted and for one that the actor may not see.
        raise Conflict(gettext("One of its tasks was deleted. Restore the task first."), code="parent_deleted")
    # That from which it was removed, or either of two tasks of one project.
    own = next((task for task in ends.values() if task.project_id == entry.project_id), ends[row["source_id"]])
    locked = _lock_editable_task(actor, str(own.pk))
    relations.require_room(ends.values())
    source, target = ends[row["source_id"]], ends[row["target_id"]]
    if TaskRelation.objects.filter(source=source, target=target, kind=row["kind"]).exists():
        raise Conflict(gettext("The two tasks are related in this way again already."), code="taken")
    if row["kind"] != RelationKind.RELATES and relations.leads_to(target, source, row["kind"]):
        raise Conflict(gettext("It would close a circle by now: the tasks would wait for each other."), code="circle")
    skipped = reinsert(entry)
    require_restored(entry, skipped)
    relation = TaskRelation.objects.get(pk=entry.object_id)
    relations.publish_change(events.TaskRelationAdded, relation, locked, actor, now)
    return _restoration(entry, locked, skipped)


def restore_time_entry(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    """Restore the actor's own entry, or any as a project admin. A timer ends when it was deleted."""
    row = root_row(entry)
    locked = _lock_task(actor, row["task_id"])
    is_allowed = row["user_id"] == str(actor.pk) or policies.can_manage(locked.project_role)
    require(is_allowed, "Only its author or an admin of the project may restore a time entry.")
    policies.require_not_archived(locked.task.project)
    time_tracking.require_room(locked.task)
    minutes, overrides = row["minutes"], {}
    if row["ended_at"] is None:
        started_at = datetime.fromisoformat(row["started_at"])
        ended_at, minutes = TimeEntry(started_at=started_at).end_at(entry.deleted_at)
        overrides = {"ended_at": ended_at, "minutes": minutes}
    skipped = reinsert(entry, overrides)
    require_restored(entry, skipped)
    event = events.TimeLogged(task=locked.payload(), entry_id=str(entry.object_id), minutes=minutes, source="trash")
    publish(event, actor=actor, at=now)
    return _restoration(entry, locked, skipped)


def restore_reminder(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    """Restore a reminder of the actor's own. Like its deletion, it is nobody else's business and has no event."""
    row = root_row(entry)
    require(row["user_id"] == str(actor.pk), "Only its owner may restore a reminder.")
    locked = _lock_task(actor, row["task_id"])
    policies.require_not_archived(locked.task.project)
    own = Reminder.objects.filter(user=actor, task=locked.task)
    if own.count() >= reminders.MAX_REMINDERS:
        raise Conflict(
            gettext("At most %(max_reminders)s reminders for a task.") % {"max_reminders": reminders.MAX_REMINDERS},
            code="too_many",
        )
    if own.filter(**{name: row[name] for name in ("at", "minutes_before", "days_before", "time")}).exists():
        raise Conflict(gettext("You have this reminder again already."), code="taken")
    # Like after a change of the due date: the job computes when it fires, and nothing that is past.
    skipped = reinsert(entry, {"since": now, "fires_at": None, "is_stale": True})
    require_restored(entry, skipped)
    return _restoration(entry, locked, skipped)


def restore_recurrence(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    """Let an open task repeat again that does not repeat otherwise by now."""
    row = root_row(entry)
    locked = _lock_editable_task(actor, row["task_id"])
    if Recurrence.objects.filter(task=locked.task).exists():
        raise Conflict(gettext("The task repeats by another rule by now. Remove that first."), code="taken")
    if locked.task.is_closed:
        raise Conflict(gettext("The task is closed. Reopen it first."), code="closed")
    skipped = reinsert(entry)
    require_restored(entry, skipped)
    Task.objects.filter(pk=locked.task.pk).update(is_recurring=True)
    text = describe(series_of(Recurrence.objects.get(pk=entry.object_id)))
    event = events.TaskRecurrenceChanged(task=locked.payload(), changes={"recurrence": ["", text]})
    publish(event, actor=actor, at=now)
    invalidate_viewers(locked.task.project)
    return _restoration(entry, locked, skipped)


def _lock_task(actor: User, task_id: str) -> LockedTask:
    try:
        return items_selectors.lock_task(actor, uuid.UUID(task_id))
    except NotFound as error:
        # Deleted, or not visible to the actor any more, which is not said.
        raise Conflict(PARENT_DELETED, code="parent_deleted") from error


def _lock_editable_task(actor: User, task_id: str) -> LockedTask:
    locked = _lock_task(actor, task_id)
    policies.require_editor(locked.role)
    policies.require_not_archived(locked.task.project)
    return locked


def _restoration(entry: TrashEntry, locked: LockedTask, skipped: dict[str, int]) -> Restoration:
    return Restoration(
        entry.kind, entry.object_id, entry.title, locked.task.project, task_key=locked.task.key, skipped=skipped
    )
