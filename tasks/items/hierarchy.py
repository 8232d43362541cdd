"""Parents and subtasks: cycles, and how deep they are nested."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F
from django.utils.translation import gettext, gettext_noop

from core.errors import Conflict, Invalid
from events.outbox import DomainEvent
from tasks import events
from tasks.items.drafts import TaskDraft
from tasks.models import Project, Task

NO_SUCH_PARENT = gettext_noop("There is no such task in this project.")
# Levels of tasks, the topmost included.
MAX_DEPTH = 10
TOO_DEEP = f"Subtasks are nested at most {MAX_DEPTH} levels deep, the topmost task included."
# One level more than there may be: rows that were written by hand end the search too.
ABOVE_SQL = f"""
WITH RECURSIVE above AS (
    SELECT id AS start, id, parent_id, project_id, 1 AS level FROM tasks_task WHERE id = ANY(%s)
    UNION ALL
    SELECT start, task.id, task.parent_id, above.project_id, level + 1
    FROM tasks_task task JOIN above ON task.id = above.parent_id WHERE level <= {MAX_DEPTH}
)
"""  # noqa: S608 -- a number
BELOW_SQL = f"""
WITH RECURSIVE below AS (
    SELECT start, start AS id, 1 AS level FROM unnest(%s::uuid[]) AS start
    UNION ALL
    SELECT start, task.id, level + 1 FROM tasks_task task JOIN below ON task.parent_id = below.id
    WHERE level <= {MAX_DEPTH}
)
SELECT start, id, level FROM below
"""  # noqa: S608 -- a number


def detach_subtasks(task: Task, now: datetime) -> list[DomainEvent]:
    """Remove a task as the parent of its subtasks, and return their events."""
    # FOR NO KEY UPDATE does not block inserts of rows that refer to these tasks.
    locked = Task.objects.filter(parent=task).select_for_update(no_key=True).order_by("pk")
    subtask_ids = list(locked.values_list("pk", flat=True))
    Task.objects.filter(pk__in=subtask_ids).update(parent=None, version=F("version") + 1, updated_at=now)
    # One event for each subtask, because statistics and activity know tasks one by one.
    changes = {"parent": [str(task.pk), None]}
    subtasks = Task.objects.filter(pk__in=subtask_ids).with_relations()
    return [events.TaskUpdated(task=subtask.payload(), changes=changes) for subtask in subtasks]


def require_valid_parents(project: Project, drafts: Iterable[TaskDraft]) -> None:
    """Check the parents of new tasks, which are new too or of the project.

    The caller has locked the project, so no ancestor is moved meanwhile. Raises Invalid, and Conflict beyond MAX_DEPTH.
    """
    parents = {draft.id: uuid.UUID(str(draft.parent)) for draft in drafts if draft.parent}
    if not parents:
        return
    new_ids = {draft.id for draft in drafts}
    existing = set(parents.values()) - new_ids
    depths = depths_of(project, existing)
    if len(depths) != len(existing):
        raise Invalid.field("parent", NO_SUCH_PARENT, "does_not_exist")
    for task_id in parents:
        depth, above = 1, parents.get(task_id)
        while above is not None:
            depth += depths.get(above, 1)
            if depth > MAX_DEPTH:
                raise Conflict(TOO_DEEP, code="too_deep")
            above = parents.get(above)


def get_valid_parent(project: Project, parent_id: Any, *, of: Task) -> uuid.UUID | None:
    """Return the id of a task's new parent. Raises Invalid for a task of another project or a circle, and Conflict.

    The caller has locked the project, so no ancestor is moved meanwhile, and none of two concurrent moves closes a circle.
    """
    if parent_id is None:
        return None
    parent_id = uuid.UUID(str(parent_id))
    depth = depths_of(project, {parent_id}).get(parent_id)
    if depth is None:
        raise Invalid.field("parent", NO_SUCH_PARENT, "does_not_exist")
    below = subtree({of.pk})
    if parent_id in below:
        raise Invalid.field("parent", gettext("A task cannot be below itself."), "circle")
    if depth + max(below.values()) > MAX_DEPTH:
        raise Conflict(TOO_DEEP, code="too_deep")
    return parent_id


def depths_of(project: Project, task_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return the level of each of the tasks that is in the project: 1 for one without a parent."""
    if not task_ids:
        return {}
    with connection.cursor() as cursor:
        sql = f"{ABOVE_SQL} SELECT start, max(level) FROM above WHERE project_id = %s GROUP BY start"  # noqa: S608 -- a constant
        cursor.execute(sql, [list(task_ids), project.pk])
        return dict(cursor.fetchall())


def ancestors_of(task_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of the tasks above one, the nearest first."""
    with connection.cursor() as cursor:
        sql = f"{ABOVE_SQL} SELECT id FROM above WHERE level > 1 ORDER BY level"  # noqa: S608 -- a constant
        cursor.execute(sql, [[task_id]])
        return [row[0] for row in cursor.fetchall()]


def subtree(task_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return the levels of tasks and of all below them: 1 for themselves."""
    with connection.cursor() as cursor:
        cursor.execute(BELOW_SQL, [list(task_ids)])
        return {task_id: level for _, task_id, level in cursor.fetchall()}


def heights_of(task_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how many levels each of the tasks has, from itself downwards."""
    heights: dict[uuid.UUID, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(BELOW_SQL, [list(task_ids)])
        for start, _, level in cursor.fetchall():
            heights[start] = max(level, heights.get(start, 0))
    return heights
