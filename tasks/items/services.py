"""Writes of tasks: create, update, delete."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from core.errors import NotAllowed, NotFound
from core.etags import check_version
from core.markdown import RENDERER_VERSION, make_excerpt, rendered_columns
from core.serialization import to_json
from core.sql_templates import insert_all, update_columns
from events.outbox import DomainEvent, publish_all
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.custom_fields import services as custom_fields
from tasks.items import selectors
from tasks.items.assignees import lock_assignable_members
from tasks.items.drafts import TaskDraft
from tasks.items.due_dates import check_dates
from tasks.items.fractional_indexing import initial_position
from tasks.items.hierarchy import detach_subtasks, get_valid_parent, require_valid_parents
from tasks.items.selectors import LockedTask
from tasks.items.task_numbers import reserve_numbers
from tasks.mentions import newly_mentioned
from tasks.models import Category, Label, Project, State, Task, TaskAssignee
from tasks.models.task import CLOSED_CATEGORIES
from tasks.projects import selectors as projects_selectors
from tasks.projects import wip_limits
from tasks.projects.labels import get_or_create_label_sets
from tasks.projects.services import get_or_create_inbox
from tasks.projects.states import find_state
from tasks.recurrence import advancing
from tasks.sections.selectors import require_sections
from tasks.time_tracking import services as time_tracking
from tasks.trash.storage import collect, discard

# Fields that tie a task to its project: closed to users who see it by a share alone.
MEMBER_ONLY_FIELDS = frozenset({"assignees", "labels", "parent", "section", "position"})
WRITABLE_FIELDS = MEMBER_ONLY_FIELDS | {*Task.SCALAR_FIELDS, "status"}


@transaction.atomic
def create(*, actor: User, draft: TaskDraft, now: datetime, project_ref: str = "") -> Task:
    """Create one task; without a project in the actor's own inbox. Raises NotFound, NotAllowed, Invalid, Conflict."""
    return create_many(actor=actor, project_ref=project_ref, drafts=[draft], now=now)[0]


@transaction.atomic(savepoint=False)  # `create` has one
def create_many(
    *, actor: User, project_ref: str, drafts: Sequence[TaskDraft], now: datetime, notify_assignees: bool = True
) -> list[Task]:
    """Create tasks in the order given, with consecutive numbers; all of them or none.

    An import sets `notify_assignees=False`: hundreds of emails about old tasks would help no user.
    Raises NotFound, NotAllowed, Invalid, Conflict.
    """
    target = projects_selectors.load_project_with_states(actor, project_ref)
    if target is None and not project_ref:
        # An inbox is created with its first task.
        target = projects_selectors.load_project_with_states(actor, str(get_or_create_inbox(actor=actor).pk))
    if target is None:
        raise NotFound(projects_selectors.PROJECT_NOT_FOUND)
    project, role, states, has_fields = target
    policies.require_editor(role)
    policies.require_not_archived(project)
    if any(draft.assignees or draft.labels or draft.parent for draft in drafts):
        # Before the rows of members, labels and tasks, in the same order as the services that change these.
        projects_selectors.lock_project(actor, project.pk)
    # Assignees, parents and labels are read once for all tasks: an import has thousands of them.
    lock_assignable_members(project, *(draft.assignees for draft in drafts))
    require_valid_parents(project, drafts)
    require_sections(project, {draft.section for draft in drafts if draft.section})
    for draft in drafts:
        check_dates(start_date=draft.start_date, due_date=draft.due_date, due_at=draft.due_at, zone=actor.time_zone)

    label_sets = get_or_create_label_sets(project, [draft.labels for draft in drafts])
    labels = {draft.id: label_set for draft, label_set in zip(drafts, label_sets, strict=True)}
    # Without a status a task begins in the first state of the workflow.
    start_states = [find_state(states, draft.status) if draft.status else states[0] for draft in drafts]

    # As late as possible: from here to the commit, other creations in this project wait for this one.
    first_number = reserve_numbers(project, len(drafts))
    # After the project's row, as where a limit is changed.
    wip_limits.require_room(project, start_states)
    tasks = [
        _build_task(project, actor, draft, number, now, state)
        for number, (draft, state) in enumerate(zip(drafts, start_states, strict=True), start=first_number)
    ]
    insert_all(Task, tasks)
    assigned = ((draft.id, user_id) for draft in drafts for user_id in set(draft.assignees))
    insert_all(TaskAssignee, [TaskAssignee(task_id=task_id, user_id=user_id) for task_id, user_id in assigned])
    # The rows of the relation itself: `labels.add` would query once for each task.
    link = Task.labels.through
    insert_all(link, [link(task_id=task_id, label_id=label.pk) for task_id in labels for label in labels[task_id]])
    if has_fields or any(draft.fields for draft in drafts):
        custom_fields.insert_initial_values(project, {draft.id: draft.fields for draft in drafts})

    published: list[DomainEvent] = []
    for task, draft in zip(tasks, drafts, strict=True):
        names = [label.name for label in labels[task.pk]]
        payload = events.task_payload(task, assignee_ids=set(draft.assignees), labels=names)
        published += _creation_events(actor, task, payload, notify=notify_assignees)
    publish_all(published, actor=actor, at=now)
    invalidate_viewers(project)
    return tasks


def _creation_events(actor: User, task: Task, payload: dict[str, Any], *, notify: bool) -> Iterator[DomainEvent]:
    yield events.TaskCreated(task=payload)
    if notify:
        excerpt = make_excerpt(task.description, events.MAX_EXCERPT_LENGTH)
        for user_id in payload["assignee_ids"]:
            yield events.TaskAssigned(task=payload, assignee_id=user_id, excerpt=excerpt)
    if notify and task.description:
        yield from _mentions(actor, task, payload)


def _build_task(project: Project, actor: User, draft: TaskDraft, number: int, now: datetime, state: State) -> Task:
    scalars = {name: getattr(draft, name) for name in Task.SCALAR_FIELDS}
    return Task(
        description_html=draft.description_html,
        description_html_version=RENDERER_VERSION if draft.description else 0,
        **scalars | {"title": draft.title.strip()},
        id=draft.id,
        project=project,
        number=number,
        state=state,
        category=state.category,
        position=initial_position(number),
        parent_id=draft.parent,
        section_id=draft.section,
        creator=actor,
        created_at=now,
        updated_at=now,
        started_at=now if state.category == Category.IN_PROGRESS else None,
        closed_at=now if state.category in CLOSED_CATEGORIES else None,
    )


@transaction.atomic
def update(
    *,
    actor: User,
    ref: str,
    changes: dict[str, Any],
    now: datetime,
    versions: frozenset[int] | None = None,
    times: Mapping[str, datetime | None] | None = None,
) -> Task:
    """Change the given fields of a task and nothing else, and publish what changed.

    `changes` has names of WRITABLE_FIELDS: `status` is a slug or category, `labels` are names, `assignees` and `parent`
    are ids, `position` is one that `ordering` found free. `times` are `started_at` and `closed_at` that come back with
    a former status. Raises NotFound, NotAllowed, Conflict, Invalid, and VersionConflict unless the row has one of
    `versions`.
    """
    assert changes.keys() <= WRITABLE_FIELDS, changes.keys() - WRITABLE_FIELDS
    if changes.get("parent"):
        # Of two tasks put below each other at once, both would find no parent above them: a cycle.
        selectors.lock_project_of_task(actor, ref)
    locked = selectors.lock_task(actor, ref)
    task, project = locked.task, locked.task.project
    policies.require_editor(locked.role)
    if changes.keys() & MEMBER_ONLY_FIELDS and not policies.can_edit(locked.project_role):
        raise NotAllowed(
            gettext("Only editors of the project may change a task's assignees, labels, parent, section and order.")
        )
    policies.require_not_archived(project)
    # The error of a stale version shows these beside the requested values.
    before = field_values(task, locked.assignee_ids, locked.labels.values())
    check_version(task, versions, changes, current=before)

    was_closed = task.closed_at is not None
    columns = changed_columns(task, changes, now, zone=actor.time_zone, times=times)
    assignee_ids = locked.assignee_ids
    if "assignees" in changes:
        # Only added users must be members: a former member stays assigned to closed tasks.
        assignee_ids = {uuid.UUID(str(user_id)) for user_id in changes["assignees"]}
        lock_assignable_members(project, assignee_ids - locked.assignee_ids)
    new_labels = get_or_create_label_sets(project, [changes["labels"]])[0] if "labels" in changes else None
    labels = locked.labels if new_labels is None else {label.pk: label.name for label in new_labels}
    for name, value in columns.items():
        setattr(task, name, value)
    after = field_values(task, assignee_ids, labels.values())
    differences = {name: [before[name], after[name]] for name in before if before[name] != after[name]}
    # Without a change the version stays and no event is published.
    if not differences:
        return task

    if "status" in differences:
        wip_limits.require_room(project, [task.state])
    task.version, task.updated_at = task.version + 1, now
    # The changed columns alone; the state is set as an instance and written as its id.
    names = ["state_id" if name == "state" else name for name in columns]
    update_columns(task, {name: getattr(task, name) for name in [*names, "version", "updated_at"]})
    if assignee_ids != locked.assignee_ids:
        TaskAssignee.objects.filter(task=task).exclude(user__in=assignee_ids).delete()
        added = [TaskAssignee(task=task, user_id=user_id) for user_id in assignee_ids - locked.assignee_ids]
        TaskAssignee.objects.bulk_create(added, ignore_conflicts=True)
    if labels != locked.labels:
        task.labels.set(Label.objects.filter(pk__in=labels))
    published = update_events(actor, locked, assignee_ids, labels, differences, was_closed=was_closed)
    publish_all(published, actor=actor, at=now)
    invalidate_viewers(project)
    return task


def field_values(task: Task, assignee_ids: Iterable[uuid.UUID], labels: Iterable[str]) -> dict[str, Any]:
    """Return the writable fields by the names that callers use, as JSON values."""
    return {
        **{name: to_json(getattr(task, name)) for name in Task.SCALAR_FIELDS},
        "status": task.state.slug,
        "parent": to_json(task.parent_id),
        "section": to_json(task.section_id),
        "position": task.position,
        "assignees": sorted(map(str, assignee_ids)),
        "labels": sorted(labels),
    }


def changed_columns(
    task: Task,
    changes: Mapping[str, Any],
    now: datetime,
    *,
    zone: str,
    times: Mapping[str, datetime | None] | None = None,
    states: Sequence[State] = (),
) -> dict[str, Any]:
    """Return the columns to write, with what follows from a change: one kind of due date, start and close times.

    `states` are those of the project, where they are loaded already.
    """
    columns = {name: value for name, value in changes.items() if name in {*Task.SCALAR_FIELDS, "position"}}
    due = {name: columns[name] for name in ("due_date", "due_at") if columns.get(name)}
    if len(due) == 1:
        columns |= {"due_date": None, "due_at": None, **due}
    if dates := columns.keys() & {"start_date", "due_date", "due_at"}:
        values = {name: columns.get(name, getattr(task, name)) for name in ("start_date", "due_date", "due_at")}
        check_dates(**values, zone=zone, changed=dates)
    if "parent" in changes:
        columns["parent_id"] = get_valid_parent(task.project, changes["parent"], of=task)
    if "section" in changes:
        columns["section_id"] = uuid.UUID(str(changes["section"])) if changes["section"] else None
        require_sections(task.project, {columns["section_id"]} - {None})
    if "status" in changes and changes["status"] != task.state.slug:
        state = find_state(states or projects_selectors.load_states(task.project), changes["status"])
        columns |= {"state": state, "category": state.category, "closed_at": None}
        if state.category in CLOSED_CATEGORIES:
            # A move from done to cancelled keeps the time at which the task was closed.
            columns["closed_at"] = task.closed_at or now
        if state.category == Category.IN_PROGRESS and task.started_at is None:
            columns["started_at"] = now
        if times and (times["closed_at"] is None) == (columns["closed_at"] is None):
            columns |= times
    columns = {name: value for name, value in columns.items() if getattr(task, name) != value}
    if "description" in columns:
        columns |= rendered_columns("description", columns["description"])
    return columns


def _mentions(actor: User, task: Task, payload: events.TaskPayload, before: str = "") -> Iterator[DomainEvent]:
    """Yield the event of the users that a description newly names, if any."""
    ids = newly_mentioned(actor=actor, task_id=task.pk, text=task.description, before=before)
    if ids:
        excerpt = make_excerpt(task.description, events.MAX_EXCERPT_LENGTH)
        yield events.TaskMentioned(task=payload, excerpt=excerpt, mentioned_ids=ids)


def update_events(
    actor: User,
    locked: LockedTask,
    assignee_ids: set[uuid.UUID],
    labels: dict[uuid.UUID, str],
    differences: dict[str, list[Any]],
    *,
    was_closed: bool,
) -> Iterator[DomainEvent]:
    """Yield the events of an update whose `differences` are {field: [old, new]}."""
    task = locked.task
    payload = events.task_payload(task, assignee_ids=assignee_ids, labels=labels.values())
    yield events.TaskUpdated(task=payload, changes=differences)
    if "description" in differences:
        yield from _mentions(actor, task, payload, before=differences["description"][0])
    for user_id in sorted(assignee_ids - locked.assignee_ids):
        excerpt = make_excerpt(task.description, events.MAX_EXCERPT_LENGTH)
        yield events.TaskAssigned(task=payload, assignee_id=str(user_id), excerpt=excerpt)
    for user_id in sorted(locked.assignee_ids - assignee_ids):
        yield events.TaskUnassigned(task=payload, assignee_id=str(user_id))
    # A cancelled task is closed too, but nothing was completed.
    if "status" in differences and task.category == Category.DONE:
        yield events.TaskCompleted(task=payload)
    elif "status" in differences and was_closed and task.closed_at is None:
        yield events.TaskReopened(task=payload)
    if task.is_recurring and task.is_closed and not was_closed:
        # In this transaction: a series must neither lose its next task nor get it twice.
        yield from advancing.create_next(task, assignee_ids=assignee_ids, labels=labels, now=task.updated_at)


@transaction.atomic
def delete(*, actor: User, ref: str, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Move a task with its comments to the trash; its subtasks stay, without a parent.

    Raises NotFound, NotAllowed, Conflict, VersionConflict.
    """
    locked = selectors.lock_task(actor, ref)
    task, project = locked.task, locked.task.project
    policies.require_editor(locked.project_role)
    policies.require_not_archived(project)
    check_version(task, versions)
    time_tracking.end_timers(task, now)
    # Before the subtasks are detached: the trash stores whose parent it was.
    deletion = collect(task)
    # Consumers order the states of a task by its version, and the deletion is the last.
    task.version += 1
    deleted = events.TaskDeleted(task=locked.payload())
    detached = detach_subtasks(task, now)
    discard(deletion, kind="task", obj=task, title=f"{task.key} {task.title}", project=project, actor=actor, now=now)
    publish_all([*detached, deleted], actor=actor, at=now)
    invalidate_viewers(project)
