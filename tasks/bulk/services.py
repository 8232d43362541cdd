"""Changes of many tasks at once, in one transaction: all of them or none."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Model
from django.utils.translation import gettext

from accounts.models import User
from core.db import uuid7
from core.errors import Conflict, Invalid, NotAllowed, VersionConflict
from core.serialization import to_json
from core.sql_templates import insert_all
from events.outbox import DomainEvent, publish_all
from tasks import events, policies
from tasks.cache import invalidate_viewers_of
from tasks.items.assignees import MAX_ASSIGNEES, lock_assignable_members
from tasks.items.selectors import LockedTask
from tasks.items.services import changed_columns, field_values, update_events
from tasks.models import Project, Role, State, Task, TaskAssignee
from tasks.projects import selectors as projects_selectors
from tasks.projects import wip_limits
from tasks.projects.labels import get_or_create_label_sets

MAX_TASKS = 1000
# By a worker.
MAX_TASKS_OF_JOB = 10_000
# Each creates the next task of its series, which takes dozens of statements to take back.
MAX_REPEATED = 100
FIELDS = ("status", "priority", "start_date", "due_date", "due_at", "estimate", "assignees", "labels")
# Changes that add to a relation, or remove from it.
RELATIVE_CHANGES = {
    "add_assignees": ("assignees", True),
    "remove_assignees": ("assignees", False),
    "add_labels": ("labels", True),
    "remove_labels": ("labels", False),
}


@dataclass(slots=True)
class _Change:
    """One task with what it was, and what it is to be."""

    locked: LockedTask
    before: dict[str, Any]
    columns: dict[str, Any]
    assignee_ids: set[uuid.UUID]
    label_names: set[str]
    was_closed: bool

    @property
    def closes_recurring(self) -> bool:
        return self.locked.task.is_recurring and not self.was_closed and bool(self.columns.get("closed_at"))


def require_few_repeated(count: int) -> None:
    """Raise Conflict for more repeating tasks than one change may close."""
    if count > MAX_REPEATED:
        raise Conflict(
            f"{count:,} of these tasks repeat; at most {MAX_REPEATED} are closed at once. Nothing was changed.",
            code="too_many_repeated",
        )


def update(*, actor: User, ids: Collection[uuid.UUID], changes: Mapping[str, Any], now: datetime) -> list[uuid.UUID]:
    """Apply the same changes to up to MAX_TASKS tasks; return the ids of those that changed.

    `changes` has names of FIELDS and of RELATIVE_CHANGES. Raises NotAllowed, Conflict, Invalid.
    """
    if len(ids) > MAX_TASKS:
        raise Invalid.field(
            "ids", gettext("At most %(max_tasks)s tasks at once.") % {"max_tasks": MAX_TASKS}, "too_many"
        )
    return update_each(actor=actor, changes=dict.fromkeys(ids, changes), now=now)


@transaction.atomic
def update_each(
    *,
    actor: User,
    changes: Mapping[uuid.UUID, Mapping[str, Any]],
    now: datetime,
    expected: Mapping[uuid.UUID, Mapping[str, Any]] | None = None,
    times: Mapping[uuid.UUID, Mapping[str, datetime | None]] | None = None,
    operation_id: uuid.UUID | None = None,
) -> list[uuid.UUID]:
    """Apply its own changes to each task; return the ids of those that changed.

    With `expected` every task must have these values still; `times` come back with a former status, as in a single
    update. Raises NotAllowed, Conflict, Invalid, VersionConflict.
    """
    tasks = lock_tasks(actor, changes.keys())
    projects = {task.project_id: task.project for task in tasks}
    roles = projects_selectors.roles_by_project(actor, projects.values())
    for task in tasks:
        if not policies.can_edit(roles[task.project_id]):
            raise NotAllowed(gettext("You may read %(key)s, not change it. Nothing was changed.") % {"key": task.key})
        if task.project.archived_at is not None:
            raise Conflict(
                gettext("The project of %(key)s is archived. Nothing was changed.") % {"key": task.key}, code="archived"
            )
    states: Mapping[uuid.UUID, Sequence[State]] = {}
    if any("status" in change for change in changes.values()):
        states = projects_selectors.states_by_project(projects)
    prepared = []
    for task in tasks:
        former = (times or {}).get(task.pk)
        columns = _changed_columns(
            task, changes[task.pk], now, actor.time_zone, former, states.get(task.project_id, ())
        )
        prepared.append(_prepare(task, changes[task.pk], roles[task.project_id], columns))
    require_few_repeated(sum(one.closes_recurring for one in prepared))
    if expected:
        _require_expected(prepared, expected)
    _lock_new_assignees(prepared, projects)
    label_ids = _resolve_labels(prepared, projects)
    return _write(actor, prepared, label_ids, now, operation_id or uuid7())


def lock_tasks(actor: User, ids: Iterable[uuid.UUID]) -> list[Task]:
    """Lock visible tasks and return them in the order of their ids. Raises Invalid if one is missing."""
    visible = Task.objects.visible_to(actor).filter(pk__in=list(ids))
    # In the order of their ids, so that two of these calls cannot wait for each other.
    locked = list(visible.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    if missing := len(set(ids)) - len(locked):
        message = (
            gettext("One of these tasks does not exist.")
            if missing == 1
            else gettext("%(missing)s of these tasks do not exist.") % {"missing": missing}
        )
        raise Invalid.field("ids", gettext("%(message)s Nothing was changed.") % {"message": message}, "does_not_exist")
    return list(Task.objects.filter(pk__in=locked).with_relations().order_by("pk"))


def _changed_columns(
    task: Task,
    changes: Mapping[str, Any],
    now: datetime,
    zone: str,
    times: Mapping[str, datetime | None] | None,
    states: Sequence[State],
) -> dict[str, Any]:
    scalars = {name: value for name, value in changes.items() if name not in RELATIVE_CHANGES}
    try:
        return changed_columns(task, scalars, now, zone=zone, times=times, states=states)
    except Invalid as error:
        fields = [field._replace(message=f"{task.key}: {field.message}") for field in error.fields]
        raise Invalid(gettext("%(detail)s Nothing was changed.") % {"detail": error.detail}, fields=fields) from error


def _prepare(task: Task, changes: Mapping[str, Any], role: Role | None, columns: dict[str, Any]) -> _Change:
    labels = {label.pk: label.name for label in task.labels.all()}
    assignee_ids = {user.pk for user in task.assignees.all()}
    targets: dict[str, set[Any]] = {"assignees": set(assignee_ids), "labels": set(labels.values())}
    for name in targets.keys() & changes.keys():
        targets[name] = set(changes[name])
    for name, (relation, adds) in RELATIVE_CHANGES.items():
        if name in changes:
            targets[relation] = (
                targets[relation] | set(changes[name]) if adds else targets[relation] - set(changes[name])
            )
    if len(targets["assignees"]) > MAX_ASSIGNEES:
        raise Invalid.field(
            "add_assignees",
            gettext("%(key)s would have more than %(max_assignees)s assignees.")
            % {"key": task.key, "max_assignees": MAX_ASSIGNEES},
            "too_many",
        )
    return _Change(
        locked=LockedTask(task=task, project_role=role, role=role, assignee_ids=assignee_ids, labels=labels),
        before=field_values(task, assignee_ids, labels.values()),
        columns=columns,
        assignee_ids=targets["assignees"],
        label_names=targets["labels"],
        was_closed=task.closed_at is not None,
    )


def _require_expected(prepared: Iterable[_Change], expected: Mapping[uuid.UUID, Mapping[str, Any]]) -> None:
    for change in prepared:
        task = change.locked.task
        different = {name: value for name, value in expected[task.pk].items() if change.before[name] != value}
        if different:
            current = {name: change.before[name] for name in different}
            raise VersionConflict(version=task.version, current=current, requested=different)


def _lock_new_assignees(prepared: Iterable[_Change], projects: Mapping[uuid.UUID, Project]) -> None:
    added: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for change in prepared:
        # Only added users must be members: a former member stays assigned to closed tasks.
        added[change.locked.task.project_id] |= change.assignee_ids - change.locked.assignee_ids
    for project_id, user_ids in sorted(added.items()):
        lock_assignable_members(projects[project_id], *([user_id] for user_id in user_ids))


def _resolve_labels(
    prepared: Iterable[_Change], projects: Mapping[uuid.UUID, Project]
) -> dict[uuid.UUID, dict[uuid.UUID, str]]:
    """Return the labels that each task is to have, by task: names by id. Missing labels are created."""
    by_project: dict[uuid.UUID, list[_Change]] = defaultdict(list)
    for change in prepared:
        by_project[change.locked.task.project_id].append(change)
    result = {}
    for project_id, changes in sorted(by_project.items()):
        label_sets = get_or_create_label_sets(projects[project_id], [sorted(one.label_names) for one in changes])
        for change, labels in zip(changes, label_sets, strict=True):
            result[change.locked.task.pk] = {label.pk: label.name for label in labels}
    return result


def _write(
    actor: User,
    prepared: Iterable[_Change],
    label_ids: Mapping[uuid.UUID, dict[uuid.UUID, str]],
    now: datetime,
    operation_id: uuid.UUID,
) -> list[uuid.UUID]:
    """Write what differs, and publish the events."""
    published: list[DomainEvent] = []
    changed: list[_Change] = []
    entered: dict[Project, list[State]] = defaultdict(list)
    for change in prepared:
        task = change.locked.task
        for name, value in change.columns.items():
            setattr(task, name, value)
        labels = label_ids[task.pk]
        after = field_values(task, change.assignee_ids, labels.values())
        differences = {name: [old, after[name]] for name, old in change.before.items() if old != after[name]}
        if not differences:
            continue
        changed.append(change)
        if "status" in differences:
            entered[task.project].append(task.state)
        task.version, task.updated_at = task.version + 1, now
        published += update_events(
            actor, change.locked, change.assignee_ids, labels, differences, was_closed=change.was_closed
        )
    for project, states in sorted(entered.items(), key=lambda pair: pair[0].pk):
        wip_limits.require_room(project, states)
    _write_columns(changed, now)
    _write_relations(changed, label_ids)
    if changed:
        ids = [str(change.locked.task.pk) for change in changed]
        published.append(events.BulkUpdated(bulk={"id": str(operation_id)}, task_ids=ids))
        publish_all(published, actor=actor, at=now)
        invalidate_viewers_of({change.locked.task.project_id for change in changed})
    return [change.locked.task.pk for change in changed]


def _write_columns(changed: Iterable[_Change], now: datetime) -> None:
    """Write the columns that differ: a statement for each set of columns, whatever their values are."""
    rows: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for change in changed:
        columns = {str(Task._meta.get_field(name).column): value for name, value in change.columns.items()}  # type: ignore[union-attr]
        row = {column: to_json(getattr(value, "pk", value)) for column, value in columns.items()}
        rows[tuple(sorted(row))].append({"id": str(change.locked.task.pk), **row})
    for names, values in rows.items():
        assignments = "".join(f"{connection.ops.quote_name(name)} = row.{name}, " for name in names)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE tasks_task AS task SET {assignments}version = task.version + 1, updated_at = %s "  # noqa: S608 -- names of columns
                "FROM jsonb_populate_recordset(NULL::tasks_task, %s::jsonb) AS row WHERE task.id = row.id",
                [now, json.dumps(values)],
            )


def _write_relations(changed: Iterable[_Change], label_ids: Mapping[uuid.UUID, dict[uuid.UUID, str]]) -> None:
    """Write the assignees and labels that differ: a statement for each table, however many there are."""
    link = Task.labels.through
    assignees: tuple[set[tuple[uuid.UUID, uuid.UUID]], ...] = (set(), set())
    labels: tuple[set[tuple[uuid.UUID, uuid.UUID]], ...] = (set(), set())
    for change in changed:
        task_id, locked = change.locked.task.pk, change.locked
        for (removed, added), before, after in (
            (assignees, locked.assignee_ids, change.assignee_ids),
            (labels, locked.labels.keys(), label_ids[task_id].keys()),
        ):
            removed |= {(task_id, key) for key in before - after}
            added |= {(task_id, key) for key in after - before}
    _delete_pairs(TaskAssignee, "user_id", assignees[0])
    _delete_pairs(link, "label_id", labels[0])
    insert_all(TaskAssignee, [TaskAssignee(task_id=task_id, user_id=user_id) for task_id, user_id in assignees[1]])
    insert_all(link, [link(task_id=task_id, label_id=label_id) for task_id, label_id in labels[1]])


def _delete_pairs(model: type[Model], column: str, pairs: Collection[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Delete the rows of a relation of tasks."""
    if pairs:
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {model._meta.db_table} AS link "  # noqa: S608 -- names of models
                f"USING unnest(%s::uuid[], %s::uuid[]) AS pair(task_id, key) "
                f"WHERE link.task_id = pair.task_id AND link.{column} = pair.key",
                [list(keys) for keys in zip(*pairs, strict=True)],
            )
