from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from core.errors import Invalid
from core.sql_templates import insert_all, update_columns
from core.versions import check_version
from events.outbox import DomainEvent, publish_all
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.events import to_json
from tasks.items import locking
from tasks.items.assignees import lock_assignable_members
from tasks.items.drafts import TaskDraft
from tasks.items.fractional_indexing import initial_position
from tasks.items.hierarchy import detach_subtasks, get_valid_parent
from tasks.items.locking import TaskRelations
from tasks.items.task_numbers import reserve_numbers
from tasks.models import Category, Label, Project, State, Task, TaskAssignee
from tasks.models.task import CLOSED_CATEGORIES
from tasks.permissions import require_editor, require_editor_role, require_not_archived, require_task_editor
from tasks.projects import selectors as projects_selectors
from tasks.projects.labels import get_or_create_labels
from tasks.projects.services import get_or_create_inbox
from tasks.projects.states import find_state, resolve_state


@transaction.atomic
def create(*, actor: User, draft: TaskDraft, now: datetime, project_ref: str = "") -> Task:
    """Create one task; without a project it lands in the actor's own inbox project."""
    ref = project_ref or str((projects_selectors.get_inbox(actor) or get_or_create_inbox(actor=actor)).pk)
    return _create_in_project(actor, ref, [draft], now)[0]


@transaction.atomic
def create_many(
    *, actor: User, project_ref: str, drafts: Sequence[TaskDraft], now: datetime, notify_assignees: bool = True
) -> list[Task]:
    """Create tasks in the order given, with consecutive numbers; all of them or none.

    Without `announce` nobody is told what was assigned to them: an import is no news, and would be hundreds of mails.
    """
    return _create_in_project(actor, project_ref, drafts, now, notify_assignees=notify_assignees)


def _create_in_project(
    actor: User, project_ref: str, drafts: Sequence[TaskDraft], now: datetime, *, notify_assignees: bool = True
) -> list[Task]:
    project, first = reserve_numbers(actor=actor, project_ref=project_ref, count=len(drafts))
    role, workflow = projects_selectors.load_role_and_states(actor, project)
    require_editor_role(role)
    require_not_archived(project)
    assignee_ids = set(_lock_assignees_of_drafts(project, drafts))
    batch = {draft.id for draft in drafts}
    states = {status: _initial_state(workflow, status) for status in {draft.status for draft in drafts}}
    tasks = [
        _build_task(project, actor, draft, first + index, now, states[draft.status], batch)
        for index, draft in enumerate(drafts)
    ]
    insert_all(Task, tasks)
    named = {names: get_or_create_labels(project, names) for names in {tuple(draft.labels) for draft in drafts}}
    labels = {draft.id: named[tuple(draft.labels)] for draft in drafts if draft.labels}
    _insert_relations(drafts, labels, assignee_ids)
    publish_all(_creation_events(tasks, drafts, labels, notify_assignees), actor=actor, at=now)
    invalidate_viewers(project)
    return tasks


def _lock_assignees_of_drafts(project: Project, drafts: Sequence[TaskDraft]) -> list[uuid.UUID]:
    found: set[uuid.UUID] = set()
    for wanted in {tuple(draft.assignees) for draft in drafts if draft.assignees}:
        found |= set(lock_assignable_members(project, wanted))
    return sorted(found)


def _build_task(
    project: Project, actor: User, draft: TaskDraft, number: int, now: datetime, state: State, batch: set[uuid.UUID]
) -> Task:
    if draft.parent is not None and draft.parent not in batch:
        get_valid_parent(project, draft.parent)
    if draft.due_date and draft.due_at:
        raise Invalid.field("due_at", "A task is due on a day or at an instant, not both.", "both_given")
    return Task(
        id=draft.id,
        project=project,
        number=number,
        title=draft.title.strip(),
        description=draft.description,
        state=state,
        category=state.category,
        priority=draft.priority,
        position=initial_position(number),
        start_date=draft.start_date,
        due_date=draft.due_date,
        due_at=draft.due_at,
        estimate=draft.estimate,
        parent_id=draft.parent,
        creator=actor,
        created_at=now,
        updated_at=now,
        started_at=now if state.category == Category.IN_PROGRESS else None,
        closed_at=now if state.category in CLOSED_CATEGORIES else None,
    )


def _initial_state(workflow: Sequence[State], status: str) -> State:
    return find_state(workflow, status) if status else workflow[0]


def _insert_relations(
    drafts: Sequence[TaskDraft], labels: dict[uuid.UUID, list[Label]], assignee_ids: set[uuid.UUID]
) -> None:
    assignments = [TaskAssignee(task_id=d.id, user_id=key) for d in drafts for key in set(d.assignees) & assignee_ids]
    insert_all(TaskAssignee, assignments)
    link = Task.labels.through
    insert_all(link, [link(task_id=key, label_id=label.pk) for key, found in labels.items() for label in found])


def _creation_events(
    tasks: list[Task], drafts: Sequence[TaskDraft], labels: dict[uuid.UUID, list[Label]], notify_assignees: bool
) -> Iterator[DomainEvent]:
    for task, draft in zip(tasks, drafts, strict=True):
        names = [label.name for label in labels.get(task.pk, [])]
        state = events.task_payload(task, assignee_ids=set(draft.assignees), labels=names)
        yield events.TaskCreated(task=state)
        for key in state["assignee_ids"] if notify_assignees else ():
            yield events.TaskAssigned(task=state, assignee_id=key)


@transaction.atomic
def delete(*, actor: User, ref: str, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Delete a task with its comments; its subtasks stay, and are told that they have no parent any more."""
    task = locking.lock_task(actor, ref)
    require_editor(actor, task.project)
    require_not_archived(task.project)
    check_version(task, versions)
    links = locking.get_relations(task)
    task.version += 1
    state = events.task_payload(task, assignee_ids=links.assignee_ids, labels=links.labels.values())
    fact = events.TaskDeleted(task=state)
    project, orphans = task.project, detach_subtasks(task, now)
    task.delete()
    publish_all([*orphans, fact], actor=actor, at=now)
    invalidate_viewers(project)


SCALAR_FIELDS = frozenset({"title", "description", "priority", "start_date", "due_date", "due_at", "estimate"})
RELATION_FIELDS = frozenset({"assignees", "labels"})
WRITABLE_FIELDS = SCALAR_FIELDS | RELATION_FIELDS | {"status", "parent"}
MEMBER_ONLY_FIELDS = RELATION_FIELDS | {"parent"}
FieldChanges = dict[str, list[Any]]


@transaction.atomic
def update(
    *, actor: User, ref: str, changes: dict[str, Any], now: datetime, versions: frozenset[int] | None = None
) -> Task:
    """Change the given fields of a task, and nothing else; record it and tell what became true.

    `changes` holds names of WRITABLE; `status` is a slug or category, `labels` are names, `assignees` and `parent`
    ids. Raises Stale when `versions` is given and the locked row has another; NotFound, NotAllowed, Invalid.
    """
    if unknown := set(changes) - WRITABLE_FIELDS:
        raise ValueError(f"not part of a task: {unknown}")
    if changes.get("parent"):  # two tasks put below each other at once would both look down from no parent: a circle
        locking.lock_project_of_task(actor, ref)
    task = locking.lock_task(actor, ref)
    require_task_editor(actor, task)
    _require_membership_for(actor, task, changes)
    require_not_archived(task.project)
    before = locking.get_relations(task)
    check_version(_WritableState(task, before), versions, changes)
    columns = _changed_columns(task, changes, now)
    links = _changed_relations(before, task, changes)
    changed = _diff(task, columns, before, links)
    if changed:
        _save_columns(task, columns, now)
        _save_relations(task, before, links)
        facts = list(_update_events(task, changed, before, links))
        publish_all(facts, actor=actor, at=now)
        invalidate_viewers(task.project)
    return task


def _require_membership_for(actor: User, task: Task, changes: dict[str, Any]) -> None:
    """What ties a task to its project is not for who was let see the one task."""
    if actor.is_guest and set(changes) & MEMBER_ONLY_FIELDS:
        may = policies.can_edit(projects_selectors.project_role(actor, task.project))
        policies.require(may, "Only editors of the project may change who does a task, its labels and its parent.")


def _changed_relations(before: TaskRelations, task: Task, changes: dict[str, Any]) -> TaskRelations:
    assignee_ids, labels = before
    if "assignees" in changes:
        wanted = {uuid.UUID(str(key)) for key in changes["assignees"]}
        lock_assignable_members(task.project, wanted - assignee_ids)
        assignee_ids = wanted
    if "labels" in changes:
        labels = {label.pk: label.name for label in get_or_create_labels(task.project, changes["labels"])}
    return TaskRelations(assignee_ids, labels)


def _relations_to_json(links: TaskRelations) -> dict[str, list[str]]:
    return {"assignees": sorted(map(str, links.assignee_ids)), "labels": sorted(links.labels.values())}


class _WritableState:
    """A task's values under the names a caller writes them by, for a comparison after a refused write."""

    def __init__(self, task: Task, links: TaskRelations) -> None:
        self.version = task.version
        self.status = task.state.slug
        self.parent = task.parent_id
        self.assignees = _relations_to_json(links)["assignees"]
        self.labels = _relations_to_json(links)["labels"]
        for name in SCALAR_FIELDS:
            setattr(self, name, getattr(task, name))


def _changed_columns(task: Task, changes: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the columns to write, with what follows from them: closing, starting, one kind of due."""
    found = {name: value for name, value in changes.items() if name in SCALAR_FIELDS}
    if found.get("due_date") and found.get("due_at"):
        raise Invalid.field("due_at", "A task is due on a day or at an instant, not both.", "both_given")
    if found.get("due_date"):
        found["due_at"] = None
    if found.get("due_at"):
        found["due_date"] = None
    if "parent" in changes:
        parent = get_valid_parent(task.project, changes["parent"], of=task)
        found["parent_id"] = parent.pk if parent else None
    if "status" in changes and changes["status"] != task.state.slug:
        found |= _transition(task, changes["status"], now)
    return {name: value for name, value in found.items() if getattr(task, name) != value}


def _transition(task: Task, status: str, now: datetime) -> dict[str, Any]:
    state = resolve_state(task.project, status)
    found: dict[str, Any] = {"state": state, "category": state.category}
    if state.category == Category.IN_PROGRESS and task.started_at is None:
        found["started_at"] = now
    if state.category in CLOSED_CATEGORIES:
        found["closed_at"] = task.closed_at or now
    else:
        found["closed_at"] = None
    return found


def _diff(task: Task, columns: dict[str, Any], before: TaskRelations, after: TaskRelations) -> FieldChanges:
    """Return {field: [old, new]} under the names callers know, as plain values."""
    hidden = {"category", "started_at", "closed_at"}
    found = {
        n: [to_json(getattr(task, n)), to_json(v)]
        for n, v in columns.items()
        if n not in hidden | {"state", "parent_id"}
    }
    if "state" in columns and columns["state"].pk != task.state_id:
        found["status"] = [task.state.slug, columns["state"].slug]
    if "parent_id" in columns:
        found["parent"] = [to_json(task.parent_id), to_json(columns["parent_id"])]
    old, new = _relations_to_json(before), _relations_to_json(after)
    return found | {name: [old[name], new[name]] for name in RELATION_FIELDS if old[name] != new[name]}


def _save_columns(task: Task, columns: dict[str, Any], now: datetime) -> None:
    task.was_closed_at = task.closed_at  # type: ignore[attr-defined]
    columns = columns | {"version": task.version + 1, "updated_at": now}
    for name, value in columns.items():
        setattr(task, name, value)
    attributes = ["state_id" if name == "state" else name for name in columns]
    update_columns(task, {name: getattr(task, name) for name in attributes})


def _save_relations(task: Task, before: TaskRelations, after: TaskRelations) -> None:
    if after.assignee_ids != before.assignee_ids:
        TaskAssignee.objects.filter(task=task).exclude(user__in=after.assignee_ids).delete()
        new = [TaskAssignee(task=task, user_id=key) for key in after.assignee_ids - before.assignee_ids]
        TaskAssignee.objects.bulk_create(new, ignore_conflicts=True)
    if after.labels != before.labels:
        task.labels.set(Label.objects.filter(pk__in=after.labels))


def _update_events(
    task: Task, changed: FieldChanges, before: TaskRelations, after: TaskRelations
) -> Iterator[DomainEvent]:
    state = events.task_payload(task, assignee_ids=after.assignee_ids, labels=after.labels.values())
    yield events.TaskUpdated(task=state, changes=changed)
    for key in sorted(after.assignee_ids - before.assignee_ids):
        yield events.TaskAssigned(task=state, assignee_id=str(key))
    for key in sorted(before.assignee_ids - after.assignee_ids):
        yield events.TaskUnassigned(task=state, assignee_id=str(key))
    was_closed = task.was_closed_at is not None  # type: ignore[attr-defined]
    if "status" in changed and task.category == Category.DONE:
        yield events.TaskCompleted(task=state)
    elif "status" in changed and was_closed and not task.is_closed:
        yield events.TaskReopened(task=state)
