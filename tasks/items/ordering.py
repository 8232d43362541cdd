"""Manual order of tasks: positions are fractional indexes, unique in a project."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, Invalid
from tasks.items import selectors, services
from tasks.items.fractional_indexing import initial_position, position_between
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
    status: str | None = None,
    versions: frozenset[int] | None = None,
) -> Task:
    """Move a task directly before or after another one, or to another status, or both.

    All in one write, within its project; moves in one project wait for each other at its row.
    Raises NotFound, NotAllowed, Conflict, Invalid, VersionConflict.
    """
    if (before is not None and after is not None) or not (before or after or status):
        raise Invalid.field("before", gettext("Name one neighbour, before or after, or a status."), "one_neighbour")
    # The project before the task, as in `services.update`: two locks in one order cannot deadlock.
    project = selectors.lock_project_of_task(actor, ref)
    task = selectors.get_task(actor, ref)
    if task.project_id != project.pk:
        raise Conflict(gettext("The task has just been moved to another project. Try again."), code="moved")
    changes: dict[str, Any] = {"status": status} if status else {}
    if neighbour := before or after:
        changes["position"] = _free_position(project, task, neighbour=neighbour, is_before=before is not None)
    return services.update(actor=actor, ref=str(task.pk), changes=changes, now=now, versions=versions)


def require_free(*, actor: User, ref: str, position: str) -> None:
    """Raise Conflict if another task of the project, which it locks, has this position."""
    project = selectors.lock_project_of_task(actor, ref)
    if Task.objects.filter(project=project, position=position).exclude(pk=ref).exists():
        raise Conflict(gettext("Another task has this position by now."), code="position_taken")


def _free_position(project: Project, task: Task, *, neighbour: uuid.UUID, is_before: bool) -> str:
    """Return a free position between the neighbour and the next other task on that side."""
    others = Task.objects.filter(project=project).exclude(pk=task.pk)
    anchor = others.filter(pk=neighbour).values_list("position", flat=True).first()
    if anchor is None:
        field = "before" if is_before else "after"
        raise Invalid.field(field, gettext("There is no such other task in this project."), "does_not_exist")
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
