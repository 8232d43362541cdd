"""Manual order of tasks: positions are fractional indexes, unique in a project."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.models import User
from core.errors import Conflict, Invalid, VersionConflict
from core.etags import check_version
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.items import selectors
from tasks.items.fractional_indexing import initial_position, position_between
from tasks.items.selectors import LockedTask
from tasks.models import Project, Task

# Less than the column holds. Positions grow when tasks are moved between the same two again and again.
MAX_POSITION_LENGTH = 150


@transaction.atomic
def move(
    *,
    actor: User,
    ref: str,
    now: datetime,
    before: uuid.UUID | None = None,
    after: uuid.UUID | None = None,
    versions: frozenset[int] | None = None,
) -> Task:
    """Move a task directly before or after another one of its project.

    Moves in one project wait for each other at its row. Raises NotFound, NotAllowed, Conflict, Invalid, VersionConflict.
    """
    if (before is None) == (after is None):
        raise Invalid.field("before", "Name one neighbour: before or after.", "one_neighbour")
    # The project before the task, as in `services.update`: two locks in one order cannot deadlock.
    project = selectors.lock_project_of_task(actor, ref)
    locked = selectors.lock_task(actor, ref)
    policies.require_editor(locked.project_role)
    policies.require_not_archived(project)
    task, old = locked.task, locked.task.position
    check_version(task, versions, {"position": old})
    new = _free_position(project, task, neighbour=before or after or task.pk, is_before=before is not None)
    # No event and no new version for a task that is dropped where it was.
    if new != old:
        _save_position(locked, new, actor, now)
    return task


@transaction.atomic
def move_back(*, actor: User, ref: str, old: str, new: str, now: datetime) -> Task:
    """Return a task to its former position, to undo a move.

    Raises NotFound, NotAllowed, Conflict where another task has it by now, and VersionConflict after another move.
    """
    project = selectors.lock_project_of_task(actor, ref)
    locked = selectors.lock_task(actor, ref)
    policies.require_editor(locked.project_role)
    policies.require_not_archived(project)
    task = locked.task
    if task.position != new:
        raise VersionConflict(version=task.version, current={"position": task.position}, requested={"position": old})
    if Task.objects.filter(project=project, position=old).exists():
        raise Conflict("Another task has this position by now.", code="position_taken")
    _save_position(locked, old, actor, now)
    return task


def _save_position(locked: LockedTask, position: str, actor: User, now: datetime) -> None:
    task, old = locked.task, locked.task.position
    Task.objects.filter(pk=task.pk).update(position=position, version=F("version") + 1, updated_at=now)
    task.position, task.version, task.updated_at = position, task.version + 1, now
    publish(events.TaskUpdated(task=locked.payload(), changes={"position": [old, position]}), actor=actor, at=now)
    invalidate_viewers(task.project)


def _free_position(project: Project, task: Task, *, neighbour: uuid.UUID, is_before: bool) -> str:
    """Return a free position between the neighbour and the next other task on that side."""
    others = Task.objects.filter(project=project).exclude(pk=task.pk)
    anchor = others.filter(pk=neighbour).values_list("position", flat=True).first()
    if anchor is None:
        field = "before" if is_before else "after"
        raise Invalid.field(field, "There is no such other task in this project.", "does_not_exist")
    if is_before:
        low = others.filter(position__lt=anchor).order_by("-position").values_list("position", flat=True).first()
        position = position_between(low or "", anchor)
    else:
        # After the last task there is room up to the position of the next new one, which stays the last.
        high = others.filter(position__gt=anchor).order_by("position").values_list("position", flat=True).first()
        position = position_between(anchor, high or initial_position(project.next_number))
    if len(position) <= MAX_POSITION_LENGTH:
        return position
    # No room is left here: every task of the project gets a short position again, in the same order.
    ordered = list(Task.objects.filter(project=project).order_by("position").only("pk"))
    for number, other in enumerate(ordered, start=1):
        other.position = initial_position(number)
    Task.objects.bulk_update(ordered, ["position"], batch_size=1000)
    # Once more, with short neighbours: it cannot be too long twice.
    return _free_position(project, task, neighbour=neighbour, is_before=is_before)
