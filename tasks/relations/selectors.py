from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from tasks.models import RelationKind, Task, TaskRelation

# Each way to relate a task to another: the kind that is stored, and whether the task is its source.
DIRECTIONS: dict[str, tuple[RelationKind, bool]] = {
    "blocks": (RelationKind.BLOCKS, True),
    "blocked_by": (RelationKind.BLOCKS, False),
    "relates": (RelationKind.RELATES, True),
    "duplicates": (RelationKind.DUPLICATES, True),
    "duplicated_by": (RelationKind.DUPLICATES, False),
    "follows": (RelationKind.FOLLOWS, True),
    "followed_by": (RelationKind.FOLLOWS, False),
}
LABELS = {
    "blocked_by": gettext_noop("Blocked by"),
    "blocks": gettext_noop("Blocks"),
    "relates": gettext_noop("Relates to"),
    "duplicates": gettext_noop("Duplicates"),
    "duplicated_by": gettext_noop("Duplicated by"),
    "follows": gettext_noop("Follows"),
    "followed_by": gettext_noop("Followed by"),
}


def list_relations(user: User, task: Task, *, projects: Collection[uuid.UUID] = ()) -> QuerySet[TaskRelation]:
    """Return the relations of a task to others that the user sees; `projects` limits them further."""
    visible = Task.objects.visible_to(user)
    if projects:
        visible = visible.filter(project__in=projects)
    return (
        TaskRelation.objects.filter(
            Q(Exists(visible.filter(pk=OuterRef("target"))), source=task)
            | Q(Exists(visible.filter(pk=OuterRef("source"))), target=task)
        )
        .select_related("source__project", "source__state", "target__project", "target__state")
        .defer("source__search", "target__search", "source__description", "target__description")
    )


def kind_for(relation: TaskRelation, task_id: uuid.UUID) -> str:
    """Return the kind of a relation as one of its tasks says it."""
    is_source = relation.source_id == task_id or relation.kind == RelationKind.RELATES
    return next(name for name, direction in DIRECTIONS.items() if direction == (relation.kind, is_source))


def other_task(relation: TaskRelation, task_id: uuid.UUID) -> Task:
    """Return the task at the other end of a relation."""
    return relation.target if relation.source_id == task_id else relation.source


class RelatedTask(NamedTuple):
    """A related task as a task's page shows it."""

    relation_id: uuid.UUID
    label: str
    task: Task


class RelationsPanel(NamedTuple):
    """Related tasks in the order of LABELS; those that are open and block the task; and the kinds to choose from."""

    rows: list[RelatedTask]
    open_blockers: list[Task]
    kinds: Iterable[tuple[str, str]]


def relations_panel(reader: User, task: Task) -> RelationsPanel:
    """Return the relations that the page of a task shows to its reader."""
    order = list(LABELS)
    rows = [
        (kind_for(relation, task.pk), other_task(relation, task.pk), relation.pk)
        for relation in list_relations(reader, task).order_by("pk")
    ]
    rows.sort(key=lambda row: order.index(row[0]))
    blockers = [other for kind, other, _ in rows if kind == "blocked_by" and not other.is_closed]
    return RelationsPanel(
        [RelatedTask(pk, gettext(LABELS[kind]), other) for kind, other, pk in rows],
        blockers,
        [(kind, gettext(label)) for kind, label in LABELS.items()],
    )
