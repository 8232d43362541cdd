"""Writes of relations between tasks: add and remove."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext

from accounts.models import User
from core.db import get_or_404
from core.errors import Conflict, Invalid, NotFound
from events.outbox import publish_all
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.items import selectors as items_selectors
from tasks.items.selectors import LockedTask
from tasks.models import RelationKind, Task, TaskRelation
from tasks.models.relation import MAX_RELATIONS
from tasks.relations.selectors import DIRECTIONS, kind_for, list_relations, other_task
from tasks.trash.storage import collect, discard

# The ASCII codes of "link".
RELATIONS_LOCK = 0x6C696E6B
# Links that the search for a cycle follows, level by level.
MAX_CHAIN = 100
# Relations that one restoration checks.
MAX_CHECKED = 1000


@transaction.atomic
def add(*, actor: User, ref: str, kind: str, task: str, now: datetime) -> TaskRelation:
    """Relate a task to another that the actor sees; `kind` is one of DIRECTIONS, said of the first.

    Raises NotFound, NotAllowed, Conflict, Invalid.
    """
    stored_kind, is_source = DIRECTIONS[kind]
    # Of two relations added at once, each might close the circle that the other begins, or pass the limit of the task at
    # its other end, in any two projects.
    lock_relations()
    locked = items_selectors.lock_task(actor, ref)
    policies.require_editor(locked.role)
    policies.require_not_archived(locked.task.project)
    try:
        other = items_selectors.get_task(actor, task)
    except NotFound as error:
        raise Invalid.field("task", gettext("There is no such task."), "does_not_exist") from error
    if other.pk == locked.task.pk:
        raise Invalid.field("task", gettext("A task cannot be related to itself."), "itself")
    require_room((locked.task, other))
    source, target = (locked.task, other) if is_source else (other, locked.task)
    if stored_kind == RelationKind.RELATES:
        source, target = sorted((source, target), key=lambda end: end.pk)
    elif leads_to(target, source, stored_kind):
        raise Invalid.field(
            "task", gettext("This would close a circle: the tasks would wait for each other."), "circle"
        )
    relation, is_new = TaskRelation.objects.get_or_create(
        source=source, target=target, kind=stored_kind, defaults={"created_at": now}
    )
    if not is_new:
        raise Conflict(gettext("The two tasks are related in this way already."), code="already_related")
    publish_change(events.TaskRelationAdded, relation, locked, actor, now)
    return relation


@transaction.atomic
def remove(*, actor: User, ref: str, relation_id: uuid.UUID, now: datetime) -> None:
    """Remove a relation from either of its tasks. Raises NotFound, NotAllowed, Conflict."""
    locked = items_selectors.lock_task(actor, ref)
    relation = get_or_404(list_relations(actor, locked.task).filter(pk=relation_id), "There is no such relation.")
    policies.require_editor(locked.role)
    policies.require_not_archived(locked.task.project)
    # It may be removed from its other task at the same time.
    if not TaskRelation.objects.select_for_update().filter(pk=relation_id).exists():
        raise NotFound(gettext("There is no such relation."))
    # Editors of this project see the entry, but perhaps not the other task.
    other = other_task(relation, locked.task.pk)
    ends = f"{locked.task.key} to {other.key}" if other.project_id == locked.task.project_id else locked.task.key
    project = locked.task.project
    title = f"Relation of {ends}"
    deletion = collect(TaskRelation(pk=relation_id))
    discard(deletion, kind="task_relation", obj=relation, title=title, project=project, actor=actor, now=now)
    publish_change(events.TaskRelationRemoved, relation, locked, actor, now)


def publish_change(
    event: type[events.TaskRelationAdded | events.TaskRelationRemoved],
    relation: TaskRelation,
    locked: LockedTask,
    actor: User,
    now: datetime,
) -> None:
    """Publish an event about each of the two tasks, first the locked one. Each says the relation from its side."""
    # Not as the actor sees it: a guest may not know its parent, which the event states.
    other = Task.objects.with_relations().get(pk=other_task(relation, locked.task.pk).pk)
    ends = ((locked.task, locked.payload(), other), (other, other.payload(), locked.task))
    published = [
        event(
            task=payload,
            kind=kind_for(relation, task.pk),
            related_id=str(related.pk),
            relation_id=str(relation.pk),
        )
        for task, payload, related in ends
    ]
    publish_all(published, actor=actor, at=now)
    for project in {task.project_id: task.project for task, _, _ in ends}.values():
        invalidate_viewers(project)


def lock_relations() -> None:
    """Let one transaction at a time add relations."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RELATIONS_LOCK])


def remove_circular(task_ids: Collection[uuid.UUID]) -> int:
    """Remove relations of restored tasks that close a circle; return how many.

    The caller has called `lock_relations`. Relations that were added while a task was deleted know nothing of its own.
    """
    directed = TaskRelation.objects.exclude(kind=RelationKind.RELATES).select_related("source", "target")
    # Those within the tasks were there together before, so a circle leaves the tasks somewhere.
    leaving = directed.filter(source__in=task_ids).exclude(target__in=task_ids).order_by("pk")
    removed = 0
    for relation in leaving[:MAX_CHECKED]:
        if leads_to(relation.target, relation.source, relation.kind):
            relation.delete()
            removed += 1
    return removed


def require_room(tasks: Iterable[Task]) -> None:
    """Raise Conflict if one of the tasks has no room for another relation."""
    for end in tasks:
        if TaskRelation.objects.filter(Q(source=end) | Q(target=end)).count() >= MAX_RELATIONS:
            raise Conflict(
                gettext("A task has at most %(max_relations)s relations.") % {"max_relations": MAX_RELATIONS},
                code="too_many_relations",
            )


def leads_to(start: Task, end: Task, kind: str) -> bool:
    """Return whether relations of a kind lead from one task to another. Raises Conflict for a chain of MAX_CHAIN."""
    seen, level = {start.pk}, {start.pk}
    for _ in range(MAX_CHAIN):
        if end.pk in level:
            return True
        following = TaskRelation.objects.filter(source__in=level, kind=kind).values_list("target_id", flat=True)
        level = set(following) - seen
        seen |= level
        if not level:
            return False
    raise Conflict(
        gettext("A chain of such relations has at most %(max_chain)s tasks.") % {"max_chain": MAX_CHAIN},
        code="chain_too_long",
    )
