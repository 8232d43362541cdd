"""Writes of a task's recurrence: set, remove."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, Invalid, NotFound, VersionConflict
from core.etags import check_version
from core.serialization import to_json
from core.time_zones import time_zone_names
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.items import selectors as items_selectors
from tasks.items import services as items
from tasks.items.selectors import LockedTask
from tasks.models import Attachment, Occurrence, Recurrence, RecurrenceMode, Task
from tasks.models.recurrence import MAX_EXCEPTIONS
from tasks.recurrence.expansion import HORIZON_YEARS, SERIES_YEARS
from tasks.recurrence.rules import parse
from tasks.recurrence.schedule import Series, next_day, series_of
from tasks.recurrence.selectors import NOT_RECURRING
from tasks.recurrence.wording import describe
from tasks.trash.storage import collect, discard


@transaction.atomic
def set_recurrence(
    *, actor: User, ref: str, values: Mapping[str, Any], now: datetime, versions: frozenset[int] | None = None
) -> Recurrence:
    """Let a task repeat; its due date is the first occurrence of a new rule.

    `values` holds `rule` and, unless they are to be defaults, `mode`, `time_zone` (else the actor's) and `exceptions`.
    Raises NotFound, NotAllowed, Conflict, Invalid, VersionConflict.
    """
    locked = _lock_task(actor, ref)
    task = locked.task
    recurrence = Recurrence.objects.select_for_update(no_key=True).filter(task=task).first()
    if recurrence is not None:
        check_version(recurrence, versions, values)
    elif versions is not None:
        requested = {name: to_json(value) for name, value in values.items()}
        raise VersionConflict(version=0, current=dict.fromkeys(values), requested=requested)
    if task.is_closed:
        raise Conflict(gettext("A closed task doesn't repeat. Reopen it first."), code="closed")
    series = build_series(
        rule=values["rule"],
        mode=values.get("mode", RecurrenceMode.FIXED),
        time_zone=values.get("time_zone") or actor.time_zone,
        exceptions=values.get("exceptions", ()),
        task=task,
    )
    before = ""
    if recurrence is None:
        recurrence = Recurrence(task=task, created_at=now, version=0)
        is_restarted = True
    else:
        known = series_of(recurrence)
        before = describe(known)
        is_restarted = (series.rule, series.mode, series.time_zone) != (known.rule, known.mode, known.time_zone)
        # Only a new rule counts from the current task: a day off must not move a whole series.
        unmoved = known.instant(recurrence.occurs_on) == task.due_at or task.due_date == recurrence.occurs_on
        if not is_restarted and unmoved:
            if series.exceptions == known.exceptions:
                return recurrence
            # Not the time of this occurrence, which a change of the clocks may have moved.
            series = replace(series, time_of_day=known.time_of_day)
    if is_restarted:
        recurrence.starts_on = recurrence.occurs_on = series.starts_on
        recurrence.first_number = recurrence.number
    _save(recurrence, series, now)
    Task.objects.filter(pk=task.pk).update(is_recurring=True)
    Occurrence.objects.update_or_create(
        task=task,
        defaults={"recurrence": recurrence, "number": recurrence.number, "occurs_on": recurrence.occurs_on},
    )
    changes: dict[str, list[Any]] = {"recurrence": [before, describe(series_of(recurrence))]}
    publish(events.TaskRecurrenceChanged(task=locked.payload(), changes=changes), actor=actor, at=now)
    invalidate_viewers(task.project)
    return recurrence


def build_series(*, rule: str, mode: str, time_zone: str, exceptions: Collection[date], task: Task) -> Series:
    """Return the series that begins with a task. Raises Invalid."""
    _require_time_zone(time_zone)
    if len(set(exceptions)) > MAX_EXCEPTIONS:
        raise Invalid.field(
            "exceptions",
            gettext("At most %(max_exceptions)s exceptions.") % {"max_exceptions": MAX_EXCEPTIONS},
            "too_many",
        )
    local = task.due_at.astimezone(ZoneInfo(time_zone)) if task.due_at else None
    starts_on = local.date() if local else task.due_date
    if starts_on is None:
        raise Invalid.field(
            "rule", gettext("Give the task a due date first: it is the first occurrence."), "no_due_date"
        )
    return _checked(
        Series(
            rule=parse(rule),
            mode=mode,
            time_zone=time_zone,
            starts_on=starts_on,
            time_of_day=local.time() if local else None,
            exceptions=frozenset(exceptions),
        )
    )


def preview_series(
    *,
    user: User,
    rule: str,
    now: datetime,
    mode: str = RecurrenceMode.FIXED,
    time_zone: str = "",
    starts_on: date | None = None,
    time_of_day: time | None = None,
) -> Series:
    """Return the series that a rule would make, without a task. Raises Invalid."""
    zone = time_zone or user.time_zone
    _require_time_zone(zone)
    starts_on = starts_on or now.astimezone(ZoneInfo(zone)).date()
    return _checked(Series(rule=parse(rule), mode=mode, time_zone=zone, starts_on=starts_on, time_of_day=time_of_day))


def _require_time_zone(name: str) -> None:
    if name not in time_zone_names():
        raise Invalid.field("time_zone", gettext("This time zone is not known."), "invalid_choice")


def _checked(series: Series) -> Series:
    """Return the series; raises Invalid without an occurrence or in an unsupported year."""
    if series.starts_on.year not in SERIES_YEARS:
        years = gettext("%(start)s to %(stop)s") % {"start": SERIES_YEARS.start, "stop": SERIES_YEARS.stop - 1}
        raise Invalid.field("rule", gettext("A series begins in a year from %(years)s.") % {"years": years}, "invalid")
    begin = datetime.combine(series.starts_on, time(), UTC)
    if next_day(series, after=series.starts_on, number=0, now=begin) is None:
        message = gettext("This rule has no occurrence after the first within %(horizon_years)s years.") % {
            "horizon_years": HORIZON_YEARS
        }
        raise Invalid.field("rule", message, "no_occurrence")
    return series


def _save(recurrence: Recurrence, series: Series, now: datetime) -> None:
    recurrence.rule = str(series.rule)
    recurrence.mode = series.mode
    recurrence.time_zone = series.time_zone
    recurrence.time_of_day = series.time_of_day
    recurrence.exceptions = sorted(series.exceptions)
    recurrence.missed_at = None
    if series.mode == RecurrenceMode.FIXED:
        recurrence.missed_at = series.missed_at(recurrence.occurs_on)
    recurrence.version += 1
    recurrence.updated_at = now
    recurrence.save()


@transaction.atomic
def remove(*, actor: User, ref: str, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Let a task repeat no longer; the tasks of the series stay. Raises NotFound, NotAllowed, Conflict, VersionConflict."""
    locked = _lock_task(actor, ref)
    recurrence = Recurrence.objects.select_for_update(no_key=True).filter(task=locked.task).first()
    if recurrence is None:
        raise NotFound(NOT_RECURRING)
    check_version(recurrence, versions)
    changes: dict[str, list[Any]] = {"recurrence": [describe(series_of(recurrence)), ""]}
    project, title = locked.task.project, f"Repetition of {locked.task.key}"
    discard(collect(recurrence), kind="recurrence", obj=recurrence, title=title, project=project, actor=actor, now=now)
    Task.objects.filter(pk=locked.task.pk).update(is_recurring=False)
    publish(events.TaskRecurrenceChanged(task=locked.payload(), changes=changes), actor=actor, at=now)
    invalidate_viewers(locked.task.project)


@transaction.atomic
def step_back(*, actor: User, ref: str, next_id: str, now: datetime) -> bool:
    """Take back the next task of a series; returns whether that was possible.

    The task before it is the current one again. It is not possible once anybody has changed, closed or commented on the
    next task, or for actors who see this task alone.
    """
    items_selectors.lock_project_of_task(actor, ref)
    locked = items_selectors.lock_task(actor, ref)
    following = Task.objects.select_for_update(no_key=True).filter(pk=next_id, version=1, closed_at=None).first()
    if following is None or not policies.can_edit(locked.project_role):
        return False
    recurrence = Recurrence.objects.select_for_update(no_key=True).filter(task=following).first()
    before = Occurrence.objects.filter(recurrence=recurrence, task=locked.task).first()
    has_work = following.comments.exists() or Attachment.objects.filter(task=following).exists()
    if recurrence is None or before is None or has_work:
        return False
    # Not part of the series any more, or the trash would hold a second task of this number.
    Occurrence.objects.filter(task=following).delete()
    Task.objects.filter(pk=following.pk).update(is_recurring=False)
    Task.objects.filter(pk=locked.task.pk).update(is_recurring=True)
    recurrence.task, recurrence.number, recurrence.occurs_on = locked.task, before.number, before.occurs_on
    if recurrence.mode == RecurrenceMode.FIXED:
        recurrence.missed_at = series_of(recurrence).missed_at(before.occurs_on)
    recurrence.save(update_fields=["task", "number", "occurs_on", "missed_at"])
    publish(events.TaskRepetitionUndone(task=locked.payload(), next_id=next_id), actor=actor, at=now)
    items.delete(actor=actor, ref=next_id, now=now)
    return True


def _lock_task(actor: User, ref: str) -> LockedTask:
    """Lock a task for an editor of its project: a series creates tasks in it."""
    locked = items_selectors.lock_task(actor, ref)
    policies.require_editor(locked.project_role)
    policies.require_not_archived(locked.task.project)
    return locked
