"""Writes of time entries: start and stop the timer, add, change and delete entries."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext

from accounts.models import User
from core.cache import invalidate_after_commit
from core.errors import Conflict, Invalid, NotFound, require
from core.etags import check_version
from core.serialization import to_json
from events.outbox import publish
from tasks import events, policies
from tasks.items import selectors as items_selectors
from tasks.items.selectors import LockedTask
from tasks.models import Task, TimeEntry
from tasks.models.time_entry import MAX_ENTRY_MINUTES
from tasks.trash.storage import collect, discard

MAX_ENTRIES = 10_000


@transaction.atomic
def start(*, actor: User, ref: str, now: datetime) -> TimeEntry:
    """Start the actor's timer on a task; one that runs on another task is stopped, one on this task goes on.

    Raises NotFound, NotAllowed, Conflict.
    """
    task = _lock_editable(actor, ref).task
    running = TimeEntry.objects.filter(user=actor, ended_at=None).first()
    if running is not None:
        if running.task_id == task.pk:
            return running
        _end(running, actor, now)
    require_room(task)
    try:
        with transaction.atomic():
            entry = TimeEntry.objects.create(task=task, user=actor, started_at=now, created_at=now)
    except IntegrityError as error:  # the database allows one
        raise Conflict(gettext("Another timer of yours was started at the same time."), code="timer_running") from error
    invalidate_after_commit([str(actor.pk)])  # the frame of every page shows the timer
    return entry


@transaction.atomic
def stop(*, actor: User, ref: str, now: datetime) -> TimeEntry:
    """Stop the actor's timer on a task, also where the project was archived meanwhile. Raises NotFound, Conflict."""
    task = items_selectors.lock_task(actor, ref).task
    running = TimeEntry.objects.filter(user=actor, task=task, ended_at=None).first()
    if running is None or not _end(running, actor, now):
        raise Conflict(gettext("Your timer does not run on this task."), code="no_timer")
    return running


def end_timers(tasks: Task | QuerySet[Task], now: datetime) -> None:
    """End the timers of tasks that are deleted, so that their time is stored."""
    rows: Any = tasks.values("pk") if isinstance(tasks, QuerySet) else [tasks.pk]
    for entry in TimeEntry.objects.filter(task__in=rows, ended_at=None):  # at most one for each user
        ended_at, minutes = entry.end_at(now)
        TimeEntry.objects.filter(pk=entry.pk, ended_at=None).update(ended_at=ended_at, minutes=minutes)
        invalidate_after_commit([str(entry.user_id)])


def _end(entry: TimeEntry, actor: User, now: datetime) -> bool:
    """End a running timer by a conditional UPDATE; return whether this call ended it."""
    entry.ended_at, entry.minutes = entry.end_at(now)
    changes: dict[str, Any] = {"ended_at": entry.ended_at, "minutes": entry.minutes, "version": F("version") + 1}
    if not TimeEntry.objects.filter(pk=entry.pk, ended_at=None).update(**changes):
        return False
    invalidate_after_commit([str(entry.user_id)])
    entry.version += 1
    task = Task.objects.with_relations().get(pk=entry.task_id)
    publish(events.TimeLogged(task=task.payload(), entry_id=str(entry.pk), minutes=entry.minutes), actor=actor, at=now)
    return True


@transaction.atomic
def add(
    *, actor: User, ref: str, minutes: int, now: datetime, started_at: datetime | None = None, note: str = ""
) -> TimeEntry:
    """Log minutes that the actor worked on a task; without a start they end now.

    Raises NotFound, NotAllowed, Conflict, Invalid.
    """
    locked = _lock_editable(actor, ref)
    require_room(locked.task)
    started_at = started_at or now - timedelta(minutes=minutes)
    ended_at = _valid_end(started_at, minutes, now)
    values = {"started_at": started_at, "ended_at": ended_at, "minutes": minutes, "note": note.strip()}
    entry = TimeEntry.objects.create(task=locked.task, user=actor, created_at=now, **values)
    event = events.TimeLogged(task=locked.payload(), entry_id=str(entry.pk), minutes=minutes, source="user")
    publish(event, actor=actor, at=now)
    return entry


@transaction.atomic
def update(
    *,
    actor: User,
    ref: str,
    time_entry_id: uuid.UUID,
    changes: Mapping[str, Any],
    now: datetime,
    versions: frozenset[int] | None = None,
    ended_at: datetime | None = None,
) -> TimeEntry:
    """Change the minutes, start or note of the actor's own entry; of a running timer the note only.

    Start and minutes name the end, which of a timer was at `ended_at`, to the second.

    Raises NotFound, NotAllowed, Conflict, Invalid, VersionConflict.
    """
    locked, entry = _lock_entry(actor, ref, time_entry_id)
    require(entry.user_id == actor.pk, "Only its author may change a time entry.")
    check_version(entry, versions, changes)
    changed = {name: value for name, value in changes.items() if getattr(entry, name) != value}
    if not changed:
        return entry
    if entry.ended_at is None and changed.keys() & {"minutes", "started_at"}:
        raise Conflict(gettext("The timer is running; stop it first."), code="timer_running")
    before = _field_values(entry)
    for name, value in changed.items():
        setattr(entry, name, value)
    # A note alone moves nothing: the minutes of a timer are rounded.
    if entry.ended_at is not None and entry.minutes is not None and changed.keys() & {"minutes", "started_at"}:
        if "started_at" not in changed:  # more minutes began earlier: what was done has its end already
            entry.started_at = entry.ended_at - timedelta(minutes=entry.minutes)
        entry.ended_at = ended_at or _valid_end(entry.started_at, entry.minutes, now)
    entry.version += 1
    entry.save(update_fields=["started_at", "ended_at", "minutes", "note", "version"])
    after = _field_values(entry)
    entry_changes = {name: [before[name], after[name]] for name in before if before[name] != after[name]}
    if "minutes" in entry_changes:  # the end to the second, of which the minutes are rounded
        entry_changes["ended_at"] = [before["ended_at"], after["ended_at"]]
    event = events.TimeEntryChanged(task=locked.payload(), entry_id=str(entry.pk), entry_changes=entry_changes)
    publish(event, actor=actor, at=now)
    return entry


@transaction.atomic
def delete(
    *, actor: User, ref: str, time_entry_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None
) -> None:
    """Move the actor's own entry to the trash, or any as a project admin.

    Raises NotFound, NotAllowed, Conflict, VersionConflict.
    """
    locked, entry = _lock_entry(actor, ref, time_entry_id)
    is_allowed = entry.user_id == actor.pk or policies.can_manage(locked.project_role)
    require(is_allowed, "Only its author or an admin of the project may delete a time entry.")
    check_version(entry, versions)
    event = events.TimeEntryDeleted(task=locked.payload(), entry_id=str(entry.pk), minutes=entry.minutes or 0)
    title, project = f"Time entry on {locked.task.key}", locked.task.project
    if entry.ended_at is None:
        invalidate_after_commit([str(entry.user_id)])
    discard(collect(entry), kind="time_entry", obj=entry, title=title, project=project, actor=actor, now=now)
    publish(event, actor=actor, at=now)


def _field_values(entry: TimeEntry) -> dict[str, Any]:
    return {
        "minutes": entry.minutes,
        "started_at": to_json(entry.started_at),
        "ended_at": to_json(entry.ended_at),
        "note": entry.note,
    }


def _lock_editable(actor: User, ref: str) -> LockedTask:
    locked = items_selectors.lock_task(actor, ref)
    policies.require_editor(locked.role)
    policies.require_not_archived(locked.task.project)
    return locked


def _lock_entry(actor: User, ref: str, time_entry_id: uuid.UUID) -> tuple[LockedTask, TimeEntry]:
    locked = items_selectors.lock_task(actor, ref)
    policies.require_not_archived(locked.task.project)
    rows = TimeEntry.objects.select_for_update(of=("self",)).select_related("user")
    entry = rows.filter(task=locked.task, pk=time_entry_id).first()
    if entry is None:
        raise NotFound(gettext("There is no such time entry."))
    return locked, entry


def require_room(task: Task) -> None:
    """Raise Conflict if a task has no room for another time entry."""
    if TimeEntry.objects.filter(task=task)[MAX_ENTRIES - 1 : MAX_ENTRIES].exists():
        raise Conflict(f"A task has at most {MAX_ENTRIES:,} time entries.", code="too_many")


def _valid_end(started_at: datetime, minutes: int, now: datetime) -> datetime:
    if not 1 <= minutes <= MAX_ENTRY_MINUTES:
        raise Invalid.field("minutes", f"An entry has 1 to {MAX_ENTRY_MINUTES:,} minutes.", "invalid")
    ended_at = started_at + timedelta(minutes=minutes)
    # A minute of tolerance: clocks differ, and pages have no seconds.
    if ended_at > now + timedelta(minutes=1):
        raise Invalid.field("started_at", gettext("This time would end in the future."), "future")
    return ended_at
