"""Moves of tasks, with all that is below them, to another project; and back, to undo that."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, NotFound, VersionConflict
from core.etags import check_version
from events.models import Event
from events.outbox import DomainEvent, publish_all
from tasks import events
from tasks.cache import invalidate_viewers
from tasks.custom_fields.values import FIELD_PREFIX
from tasks.items import hierarchy
from tasks.items import selectors as items_selectors
from tasks.items.assignees import lock_assignable_members
from tasks.items.fractional_indexing import initial_position, position_between
from tasks.items.services import field_values
from tasks.items.task_numbers import reserve_numbers
from tasks.models import (
    ChecklistItem,
    CustomFieldValue,
    FormerTaskKey,
    Project,
    Section,
    State,
    Task,
    TaskAssignee,
    TaskShare,
    TaskWatch,
    TimeEntry,
    TrashEntry,
)
from tasks.moving.notes import links_without_editor, list_problems, people_without_access
from tasks.moving.plan import MovePlan, Placement, build_plan, moved_tasks, require_movable
from tasks.projects import selectors as projects_selectors
from tasks.projects import wip_limits
from tasks.projects.labels import get_or_create_label_sets

DELETED_PARTS = {
    TrashEntry.Kind.COMMENT: "tasks.Comment",
    TrashEntry.Kind.ATTACHMENT: "tasks.Attachment",
    TrashEntry.Kind.CHECKLIST_ITEM: "tasks.ChecklistItem",
    TrashEntry.Kind.TIME_ENTRY: "tasks.TimeEntry",
    TrashEntry.Kind.REMINDER: "tasks.Reminder",
    TrashEntry.Kind.RECURRENCE: "tasks.Recurrence",
}


@transaction.atomic
def move(
    *,
    actor: User,
    ref: str,
    project: str,
    now: datetime,
    section: uuid.UUID | None = None,
    versions: frozenset[int] | None = None,
) -> Task:
    """Move a task and its subtasks to another project, where they get new keys; the old ones go on leading to them.

    What `plan.build_plan` lists does not come along. Raises NotFound, NotAllowed, Conflict, Invalid, VersionConflict.
    """
    tasks, target = _lock(actor, ref, project)
    check_version(tasks[0], versions, {"project": target.key}, current={"project": tasks[0].project.key})
    plan = build_plan(tasks, target, section)
    _write(plan, actor, now)
    return tasks[0]


@transaction.atomic
def move_back(*, actor: User, event: Event, now: datetime) -> None:
    """Move a task back to its former project, to undo a move.

    Raises NotFound, NotAllowed, Conflict, and VersionConflict for fields that were changed since.
    """
    task_id, former_project_id = event.payload["task"]["id"], event.payload["former_project_id"]
    tasks, target = _lock(actor, task_id, former_project_id)
    plan = build_plan(tasks, target)
    moved = Event.objects.filter(
        subject_id__in=plan.task_ids,
        name__in=["task.moved_to_project", "task.moved_with_parent"],
        occurred_at=event.occurred_at,
        actor_id=event.actor_id,
    )
    placements = {str(placement.task.pk): placement for placement in plan.placements}
    for part in moved:
        placement = placements[part.payload["task"]["id"]]
        _require_unchanged(placement, part.payload["changes"])
        _put_back(placement, {name: old for name, (old, _) in part.payload["changes"].items()}, plan)
    _write(plan, actor, now)
    watches = [
        TaskWatch(task_id=part.payload["task"]["id"], user_id=user_id, is_watching=True, created_at=now)
        for part in moved
        for user_id in User.objects.filter(pk__in=part.payload["removed_watcher_ids"]).values_list("pk", flat=True)
    ]
    TaskWatch.objects.bulk_create(watches, ignore_conflicts=True)


def _lock(actor: User, ref: str, project_ref: str) -> tuple[list[Task], Project]:
    """Lock projects and tasks; return the tasks, topmost first, and the target."""
    ids = items_selectors.visible_project_id(actor, items_selectors.parse_ref(ref))
    if ids is None:
        raise NotFound(items_selectors.TASK_NOT_FOUND)
    task_id, source_id = ids
    target_id = projects_selectors.get_project(actor, project_ref).pk
    # In the order of their ids, so that two moves between two projects cannot wait for each other.
    rows = Project.objects.filter(pk__in={source_id, target_id}).order_by("pk").select_for_update(no_key=True)
    projects = {one.pk: one for one in rows}
    if projects.keys() != {source_id, target_id}:
        raise Conflict(gettext("The project was deleted meanwhile."), code="changed_meanwhile")
    roles = projects_selectors.roles_by_project(actor, projects.values())
    require_movable(projects[source_id], projects[target_id], roles)
    root = Task.objects.filter(pk=task_id, project=source_id).first()
    # The locks of the projects keep parents as they are; only a deletion needs none of them, but those of the tasks.
    locked = Task.objects.filter(pk__in=hierarchy.subtree({task_id})).order_by("pk").select_for_update(no_key=True)
    locked_ids = set(locked.values_list("pk", flat=True))
    tasks = moved_tasks(root) if root else []
    if {task.pk for task in tasks} != locked_ids:
        raise Conflict(items_selectors.MOVED_MEANWHILE, code="changed_meanwhile")
    return tasks, projects[target_id]


def _write(plan: MovePlan, actor: User, now: datetime) -> None:
    placements, target, ids = plan.placements, plan.target, plan.task_ids
    for problem in list_problems(plan):
        raise Conflict(problem.detail, code=problem.code)
    lock_assignable_members(target, *(placement.assignee_ids for placement in placements))
    wip_limits.require_room(target, [placement.state for placement in placements])
    label_sets = get_or_create_label_sets(target, [sorted(placement.labels) for placement in placements])
    before = {placement.task.pk: _values(placement) for placement in placements}
    former_keys = {placement.task.pk: placement.task.key for placement in placements}
    _number(plan, now)
    for placement in placements:
        task = placement.task
        task.project, task.state, task.category = target, placement.state, placement.state.category
        task.section_id, task.parent_id = placement.section_id, placement.parent_id
        task.version, task.updated_at = task.version + 1, now
    columns = ["project", "number", "position", "state", "category", "section", "parent", "version", "updated_at"]
    Task.objects.bulk_update([placement.task for placement in placements], columns, batch_size=100)

    link = Task.labels.through
    link.objects.filter(task__in=ids).delete()
    link.objects.bulk_create(
        link(task_id=placement.task.pk, label_id=label.pk)
        for placement, labels in zip(placements, label_sets, strict=True)
        for label in labels
    )
    # Not all are written anew: a row remembers which reminders were sent.
    added: list[TaskAssignee] = []
    for placement in placements:
        present = {user.pk for user in placement.task.assignees.all()}
        if present - placement.assignee_ids:
            TaskAssignee.objects.filter(task=placement.task).exclude(user__in=placement.assignee_ids).delete()
        added += [TaskAssignee(task=placement.task, user_id=one) for one in placement.assignee_ids - present]
    TaskAssignee.objects.bulk_create(added)
    CustomFieldValue.objects.filter(task__in=ids).delete()
    CustomFieldValue.objects.bulk_create(plan.value_rows(), batch_size=500)
    members = target.memberships.filter(user__is_active=True).values("user")
    items = ChecklistItem.objects.filter(task__in=ids, assignee__isnull=False).exclude(assignee__in=members)
    items.update(assignee=None)
    TaskShare.objects.filter(task__in=ids).update(project=target)
    # What was deleted of the tasks is restored to them, so whoever edits the other project may do that.
    of_tasks = Q()
    for kind, model in DELETED_PARTS.items():
        of_tasks |= Q(**{"kind": kind, f"rows__{model}__0__task_id__in": [str(one) for one in ids]})
    TrashEntry.objects.filter(of_tasks, project=plan.source).update(project=target)
    watcher_ids = _withdraw(plan, now)
    publish_all(_events(plan, before, former_keys, watcher_ids), actor=actor, at=now)
    invalidate_viewers(plan.source)
    invalidate_viewers(target)


def _number(plan: MovePlan, now: datetime) -> None:
    """Give each task its number and position in the other project; it has its former number there again."""
    target = plan.target
    tasks = [placement.task for placement in plan.placements]
    rows = FormerTaskKey.objects.filter(task__in=tasks, project_key=target.key, number__lt=target.next_number)
    # The key of a deleted project may be that of a new one, whose tasks have these numbers by now.
    numbers = dict(rows.values_list("task_id", "number"))
    taken = set(Task.objects.filter(project=target, number__in=numbers.values()).values_list("number", flat=True))
    numbers = {task_id: number for task_id, number in numbers.items() if number not in taken}
    FormerTaskKey.objects.filter(task__in=numbers, project_key=target.key).delete()
    FormerTaskKey.objects.bulk_create(
        [
            FormerTaskKey(task=task, project_key=plan.source.key, number=task.number, created_at=now)
            for task in sorted(tasks, key=lambda one: one.number)
        ],
        update_conflicts=True,
        unique_fields=["project_key", "number"],
        update_fields=["task", "created_at"],
    )
    renumbered = [task for task in tasks if task.pk not in numbers]
    if renumbered:
        first = reserve_numbers(target, len(renumbered))
        numbers |= {task.pk: number for number, task in enumerate(renumbered, start=first)}
    for placement in plan.placements:
        task = placement.task
        task.number = numbers[task.pk]
        task.position = placement.position or initial_position(task.number)
    others = Task.objects.filter(project=target)
    occupied = set(others.filter(position__in=[task.position for task in tasks]).values_list("position", flat=True))
    for task in tasks:
        if task.position in occupied:
            # Directly behind the task that has its place now.
            behind = others.filter(position__gt=task.position).order_by("position")
            following = behind.values_list("position", flat=True).first()
            task.position = position_between(task.position, following or "")


def _withdraw(plan: MovePlan, now: datetime) -> dict[uuid.UUID, list[str]]:
    """Remove watches, timers and links of people without access; return watchers."""
    people = people_without_access(plan).values("pk")
    share = TaskShare.objects.filter(task=OuterRef("task"), user=OuterRef("user"))
    watches = TaskWatch.objects.filter(~Exists(share), task__in=plan.task_ids, user__in=people)
    removed: dict[uuid.UUID, list[str]] = {}
    for task_id, user_id in watches.filter(is_watching=True).values_list("task_id", "user_id"):
        removed.setdefault(task_id, []).append(str(user_id))
    watches.delete()
    for entry in TimeEntry.objects.filter(~Exists(share), task__in=plan.task_ids, user__in=people, ended_at=None):
        ended_at, minutes = entry.end_at(now)
        TimeEntry.objects.filter(pk=entry.pk, ended_at=None).update(ended_at=ended_at, minutes=minutes)
    links_without_editor(plan).update(revoked_at=now)
    return removed


def _values(placement: Placement) -> dict[str, Any]:
    """Return the present values of a task by the names of its events."""
    task = placement.task
    labels = [label.name for label in task.labels.all()]
    values = field_values(task, [user.pk for user in task.assignees.all()], labels)
    fields = {f"{FIELD_PREFIX}{key}": value for key, value in placement.former_values.items()}
    return {**values, "project": task.project.key, "position": task.position, **fields}


def _events(
    plan: MovePlan,
    before: Mapping[uuid.UUID, Mapping[str, Any]],
    former_keys: Mapping[uuid.UUID, str],
    watcher_ids: Mapping[uuid.UUID, list[str]],
) -> Iterator[DomainEvent]:
    for index, placement in enumerate(plan.placements):
        task, old = placement.task, before[placement.task.pk]
        fields = {f"{FIELD_PREFIX}{key}": value for key, value in placement.values.items()}
        new = field_values(task, placement.assignee_ids, placement.labels)
        new |= {"project": plan.target.key, "position": task.position, **fields}
        names = dict.fromkeys([*old, *new])
        payload = events.task_payload(task, assignee_ids=placement.assignee_ids, labels=placement.labels)
        event = events.TaskMovedWithParent if index else events.TaskMovedToProject
        yield event(
            task=payload,
            changes={name: [old.get(name), new.get(name)] for name in names if old.get(name) != new.get(name)},
            former_project_id=str(plan.source.pk),
            former_key=former_keys[task.pk],
            removed_watcher_ids=sorted(watcher_ids.get(task.pk, [])),
        )
        for user_id in sorted(set(old["assignees"]) - set(payload["assignee_ids"])):
            yield events.TaskUnassigned(task=payload, assignee_id=user_id)


def _require_unchanged(placement: Placement, changes: Mapping[str, Any]) -> None:
    """Raise VersionConflict unless the fields of a move have the values that it gave them."""
    current = _values(placement)
    names = {name for name, (_, new) in changes.items() if name != "position" and current.get(name) != new}
    if names:
        raise VersionConflict(
            version=placement.task.version,
            current={name: current.get(name) for name in names},
            requested={name: changes[name][0] for name in names},
        )


def _put_back(placement: Placement, former: Mapping[str, Any], plan: MovePlan) -> None:
    """Give a task its former values, as far as the project has them."""
    target, task = plan.target, placement.task
    placement.position = former.get("position", "")
    if state := State.objects.filter(project=target, slug=former.get("status", "")).first():
        placement.state = state
    if "section" in former:
        sections = Section.objects.filter(project=target, pk__in=[former["section"]] if former["section"] else [])
        placement.section_id = sections.values_list("pk", flat=True).first()
    if former.get("parent") and placement is plan.placements[0]:
        parent_id = uuid.UUID(former["parent"])
        level = hierarchy.depths_of(target, {parent_id}).get(parent_id, hierarchy.MAX_DEPTH)
        if level + max(hierarchy.subtree({task.pk}).values()) <= hierarchy.MAX_DEPTH:
            placement.parent_id = parent_id
    placement.labels = set(former.get("labels", placement.labels))
    if "assignees" in former:
        members = target.memberships.filter(user__in=former["assignees"], user__is_active=True)
        placement.assignee_ids = set(members.values_list("user_id", flat=True))
    values = {name.removeprefix(FIELD_PREFIX): old for name, old in former.items() if name.startswith(FIELD_PREFIX)}
    placement.values |= plan.valid_values(values)
