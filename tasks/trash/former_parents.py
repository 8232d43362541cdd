"""Parents of restored tasks: what they stood below, and what stood below them, as far as that may be so still."""

from __future__ import annotations

import uuid

from tasks.items import hierarchy
from tasks.models import Project, Task, TrashEntry

PARENT_COLUMN = (Task._meta.label, "parent_id")


def level_below(project: Project, parent_id: str | None) -> int:
    """Return the level of a restored task below its former parent; 1 where it can no longer be there.

    That one may be gone, or have been moved to another project or down to the lowest level. The caller has locked the
    project, so nothing in it is moved meanwhile.
    """
    parent_level = 0
    if parent_id is not None:
        parent_level = hierarchy.depths_of(project, {uuid.UUID(parent_id)}).get(uuid.UUID(parent_id), 0)
    return parent_level + 1 if parent_level < hierarchy.MAX_DEPTH else 1


def no_longer_subtasks(entry: TrashEntry, project: Project, level: int) -> set[uuid.UUID]:
    """Return the former subtasks that cannot be below a restored task again.

    They were moved above it or to another project, or reach too deep below its `level`.
    """
    excluded = set(hierarchy.ancestors_of(entry.object_id)) | moved_away(entry, project)
    subtasks = {uuid.UUID(pk) for label, column, pk, _ in entry.references if (label, column) == PARENT_COLUMN}
    heights = hierarchy.heights_of(subtasks - excluded)
    return excluded | {task_id for task_id, height in heights.items() if level + height > hierarchy.MAX_DEPTH}


def moved_away(entry: TrashEntry, project: Project) -> set[uuid.UUID]:
    """Return the tasks that referred to a deleted object and have left its project."""
    task_ids = {uuid.UUID(pk) for label, _, pk, _ in entry.references if label == Task._meta.label}
    return task_ids - set(Task.objects.filter(project=project, pk__in=task_ids).values_list("pk", flat=True))
