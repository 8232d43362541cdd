"""Undo of the last writes: the inverse of an event, by the services that every write uses.

Undoing publishes events of its own, so it can be undone too.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.dateparse import parse_datetime

from accounts.models import User
from core.etags import merge_changes
from events.models import Event
from tasks.attachments import services as attachments
from tasks.bulk import deletions, removals
from tasks.bulk import selectors as bulk_selectors
from tasks.bulk import services as bulk
from tasks.checklists import conversion
from tasks.comments import selectors as comments_selectors
from tasks.comments import services as comments
from tasks.custom_fields import services as custom_fields
from tasks.custom_fields.values import FIELD_PREFIX
from tasks.items import ordering
from tasks.items import selectors as items_selectors
from tasks.items import services as items
from tasks.models import BulkJob, Task, TrashEntry
from tasks.moving import services as moving
from tasks.recurrence import services as recurrence
from tasks.undo import parts
from tasks.undo.restoring import restore
from tasks.undo.tokens import UNDOABLE_EVENTS, invalid_token, is_undoable, parse_token


@dataclass(frozen=True, slots=True)
class Undone:
    """The write that was undone, and the task or project that it was about; neither for a change of many tasks.

    `exists` says whether that is there now; not yet while a `job` restores it.
    """

    name: str
    task_id: uuid.UUID | None
    project_id: uuid.UUID | None
    key: str
    exists: bool = True
    job: BulkJob | None = None


@transaction.atomic
def undo(*, actor: User, token: str, now: datetime) -> Undone:
    """Undo one write of the actor's own.

    Raises Invalid for a token that is wrong or too old, VersionConflict naming the fields that were changed since, and
    what the inverse write raises: NotFound, NotAllowed, Conflict.
    """
    event = get_undoable_event(actor, token)
    job = _INVERSES[event.name](actor, event, now)
    if event.subject_type == "bulk":
        return Undone(event.name, None, None, "")
    if event.subject_type == "project":
        project = event.payload["project"]
        exists = event.name != "project.restored" and job is None
        return Undone(event.name, None, uuid.UUID(project["id"]), project["key"], exists, job)
    task = event.payload["task"]
    exists = event.name not in {"task.created", "task.restored"} and job is None
    return Undone(event.name, uuid.UUID(task["id"]), uuid.UUID(task["project_id"]), task["key"], exists, job)


def get_undoable_event(actor: User, token: str) -> Event:
    """Return the event of a token. Raises Invalid; the time is that of the database."""
    events = Event.objects.filter(pk=parse_token(token), actor_id=actor.pk, name__in=UNDOABLE_EVENTS)
    event = events.filter(occurred_at__gt=Now() - settings.UNDO_PERIOD).first()
    if event is None or not is_undoable(event):
        raise invalid_token()
    return event


def _undo_update(actor: User, event: Event, now: datetime) -> None:
    changes: dict[str, list[Any]] = event.payload["changes"]
    task = event.payload["task"]
    if "position" in changes:
        ordering.require_free(actor=actor, ref=task["id"], position=changes["position"][0])
    if any(name.startswith(FIELD_PREFIX) for name in changes):
        former = {name.removeprefix(FIELD_PREFIX): pair for name, pair in changes.items()}
        values = {key: old for key, (old, _) in former.items()}
        merge_changes(
            lambda versions: custom_fields.update_values(
                actor=actor, ref=task["id"], fields=values, now=now, versions=versions
            ),
            frozenset({task["version"]}),
            {key: new for key, (_, new) in former.items()},
        )
        return
    before = {name: _parse(name, old) for name, (old, _) in changes.items()}
    after = {name: new for name, (_, new) in changes.items()}
    times = _times_before(event) if "status" in changes else None
    # The fields that this write changed must have its values still; others may have changed.
    merge_changes(
        lambda versions: items.update(
            actor=actor, ref=task["id"], changes=dict(before), now=now, versions=versions, times=times
        ),
        frozenset({task["version"]}),
        after,
    )


def _undo_repetition(actor: User, event: Event, now: datetime) -> None:
    """Reopen a closed task, and take back the next one of its series if untouched."""
    closing = Event.objects.filter(subject_id=event.subject_id, name="task.updated", pk__lt=event.pk)
    recurrence.step_back(actor=actor, ref=event.payload["task"]["id"], next_id=event.payload["next_id"], now=now)
    _undo_update(actor, closing.order_by("-pk")[0], now)


def _redo_repetition(actor: User, event: Event, now: datetime) -> None:
    """Close a task again whose completion was undone, which repeats it again."""
    reopening = Event.objects.filter(subject_id=event.subject_id, name="task.updated", pk__gt=event.pk)
    _undo_update(actor, reopening.order_by("pk")[0], now)


def _parse(name: str, value: Any) -> Any:
    """Return a JSON value of an event as `items.update` takes it."""
    if name == "parent":
        return uuid.UUID(value) if value else None
    if name == "assignees":
        return [uuid.UUID(user_id) for user_id in value]
    return Task._meta.get_field(name).to_python(value) if name in Task.SCALAR_FIELDS else value  # type: ignore[union-attr]


def _times_before(event: Event) -> dict[str, datetime | None] | None:
    """Return when the task was started and closed, by the event before this one."""
    earlier = Event.objects.filter(subject_id=event.subject_id, pk__lt=event.pk, payload__has_key="task")
    previous = earlier.order_by("-pk").first()
    if previous is None:
        return None
    return {name: parse_datetime(previous.payload["task"][name] or "") for name in ("started_at", "closed_at")}


def _revert_conversion(actor: User, event: Event, now: datetime) -> None:
    item_id = uuid.UUID(event.payload["item_id"])
    parts.lock_for_restoration(actor, event.payload["task"]["id"])
    conversion.take_back(actor=actor, task_id=event.payload["task"]["id"], item_id=item_id, now=now)
    restore(actor, TrashEntry.Kind.TASK, event.payload["converted_id"], now)


def _move_back(actor: User, event: Event, now: datetime) -> None:
    moving.move_back(actor=actor, event=event, now=now)


def _delete_task(actor: User, event: Event, now: datetime) -> BulkJob | None:
    return deletions.delete_task(actor=actor, ref=event.payload["task"]["id"], now=now)


def _restore_task(actor: User, event: Event, now: datetime) -> BulkJob | None:
    return restore(actor, TrashEntry.Kind.TASK, event.payload["task"]["id"], now)


def _delete_comment(actor: User, event: Event, now: datetime) -> None:
    comment_id = uuid.UUID(event.payload["comment_id"])
    comments.delete(actor=actor, ref=event.payload["task"]["id"], comment_id=comment_id, now=now)


def _restore_comment(actor: User, event: Event, now: datetime) -> None:
    restore(actor, TrashEntry.Kind.COMMENT, event.payload["comment_id"], now)


def _delete_attachment(actor: User, event: Event, now: datetime) -> None:
    attachment_id = uuid.UUID(event.payload["attachment_id"])
    attachments.delete(actor=actor, ref=event.payload["task"]["id"], attachment_id=attachment_id, now=now)


def _restore_attachment(actor: User, event: Event, now: datetime) -> None:
    restore(actor, TrashEntry.Kind.ATTACHMENT, event.payload["attachment_id"], now)


def _undo_comment_edit(actor: User, event: Event, now: datetime) -> None:
    task_id, comment_id = event.payload["task"]["id"], uuid.UUID(event.payload["comment_id"])
    version = event.payload["comment_version"]
    comment = comments_selectors.get_comment(items_selectors.get_task(actor, task_id), comment_id)
    bodies = dict(comment.versions.filter(version__in=[version - 1, version]).values_list("version", "body"))
    if comment.version == version:
        bodies[version] = comment.body
    if not {version - 1, version} <= bodies.keys():
        # An event of the previous release names no version.
        raise invalid_token()
    merge_changes(
        lambda versions: comments.update(
            actor=actor, ref=task_id, comment_id=comment_id, body=bodies[version - 1], now=now, versions=versions
        ),
        frozenset({version}),
        {"body": bodies[version]},
    )


def _delete_project(actor: User, event: Event, now: datetime) -> BulkJob | None:
    return deletions.delete_project(actor=actor, ref=event.payload["project"]["id"], now=now)


def _restore_project(actor: User, event: Event, now: datetime) -> BulkJob | None:
    return restore(actor, TrashEntry.Kind.PROJECT, event.payload["project"]["id"], now)


def _undo_bulk(actor: User, event: Event, now: datetime) -> None:
    changes, expected = {}, {}
    updates = list(bulk_selectors.updates_of(event))
    for update in updates:
        task_id = uuid.UUID(update.payload["task"]["id"])
        changes[task_id] = {name: _parse(name, old) for name, (old, _) in update.payload["changes"].items()}
        expected[task_id] = {name: new for name, (_, new) in update.payload["changes"].items()}
    bulk.update_each(
        actor=actor,
        changes=changes,
        expected=expected,
        times=bulk_selectors.times_before(update for update in updates if "status" in update.payload["changes"]),
        now=now,
        operation_id=event.subject_id,
    )
    # After the tasks are locked, as a completion locks them before it creates the next ones.
    for repeated in bulk_selectors.repetitions_of(event):
        next_id = repeated.payload["next_id"]
        recurrence.step_back(actor=actor, ref=repeated.payload["task"]["id"], next_id=next_id, now=now)


def _restore_tasks(actor: User, event: Event, now: datetime) -> None:
    removals.restore_tasks(actor=actor, ids=[uuid.UUID(text) for text in event.payload["task_ids"]], now=now)


def _delete_tasks(actor: User, event: Event, now: datetime) -> None:
    removals.delete_tasks(actor=actor, ids=[uuid.UUID(text) for text in event.payload["task_ids"]], now=now)


_INVERSES: dict[str, Callable[[User, Event, datetime], BulkJob | None]] = {
    "bulk.updated": _undo_bulk,
    "bulk.deleted": _restore_tasks,
    "bulk.restored": _delete_tasks,
    "task.created": _delete_task,
    "task.updated": _undo_update,
    "task.converted_to_item": _revert_conversion,
    "task.moved_to_project": _move_back,
    "task.repeated": _undo_repetition,
    "task.repetition_undone": _redo_repetition,
    "task.deleted": _restore_task,
    "task.restored": _delete_task,
    "task.commented": _delete_comment,
    "task.comment_edited": _undo_comment_edit,
    "task.comment_deleted": _restore_comment,
    "task.comment_restored": _delete_comment,
    "task.attachment_added": _delete_attachment,
    "task.attachment_deleted": _restore_attachment,
    "task.attachment_restored": _delete_attachment,
    **parts.INVERSES,
    "project.deleted": _restore_project,
    "project.restored": _delete_project,
}
