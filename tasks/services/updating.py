from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from core.errors import Invalid
from core.prepared import save
from events.publishing import Fact, publish_all
from tasks import events, policies, selectors
from tasks.events import plain
from tasks.models import Category, Label, Task, TaskAssignee
from tasks.querysets import CLOSED
from tasks.selectors import Links
from tasks.services.shared import (
    check_version,
    forget_answers,
    labels_named,
    members_among,
    parent_in,
    require_current,
    require_task_editor,
    state_for,
)

PLAIN = frozenset({"title", "description", "priority", "start_date", "due_date", "due_at", "estimate"})
LINKS = frozenset({"assignees", "labels"})
WRITABLE = PLAIN | LINKS | {"status", "parent"}
MEMBERS_ONLY = LINKS | {"parent"}
Changes = dict[str, list[Any]]


@transaction.atomic
def update_task(
    *, actor: User, ref: str, changes: dict[str, Any], now: datetime, versions: frozenset[int] | None = None
) -> Task:
    """Change the given fields of a task, and nothing else; record it and tell what became true.

    `changes` holds names of WRITABLE; `status` is a slug or category, `labels` are names, `assignees` and `parent`
    ids. Raises Stale when `versions` is given and the locked row has another; NotFound, NotAllowed, Invalid.
    """
    if unknown := set(changes) - WRITABLE:
        raise ValueError(f"not part of a task: {unknown}")
    if changes.get("parent"):  # two tasks put below each other at once would both look down from no parent: a circle
        selectors.lock_home(actor, ref)
    task = selectors.lock_task(actor, ref)
    require_task_editor(actor, task)
    _require_member(actor, task, changes)
    require_current(task.project)
    before = selectors.links_of(task)
    check_version(_Snapshot(task, before), versions, changes)
    columns = _columns(task, changes, now)
    links = _changed(before, task, changes)
    changed = _differences(task, columns, before, links)
    if changed:
        _save(task, columns, now)
        _set_links(task, before, links)
        facts = list(_facts(task, changed, before, links))
        publish_all(facts, actor=actor, at=now)
        forget_answers(task.project)
    return task


def _require_member(actor: User, task: Task, changes: dict[str, Any]) -> None:
    """What ties a task to its project is not for who was let see the one task."""
    if actor.is_guest and set(changes) & MEMBERS_ONLY:
        may = policies.can_edit(selectors.role_in(actor, task.project))
        policies.require(may, "Only editors of the project may change who does a task, its labels and its parent.")


def _changed(before: Links, task: Task, changes: dict[str, Any]) -> Links:
    people, labels = before
    if "assignees" in changes:
        wanted = {uuid.UUID(str(key)) for key in changes["assignees"]}
        members_among(task.project, wanted - people)
        people = wanted
    if "labels" in changes:
        labels = {label.pk: label.name for label in labels_named(task.project, changes["labels"])}
    return Links(people, labels)


def _plain(links: Links) -> dict[str, list[str]]:
    return {"assignees": sorted(map(str, links.people)), "labels": sorted(links.labels.values())}


class _Snapshot:
    """A task's values under the names a caller writes them by, for a comparison after a refused write."""

    def __init__(self, task: Task, links: Links) -> None:
        self.version = task.version
        self.status = task.state.slug
        self.parent = task.parent_id
        self.assignees = _plain(links)["assignees"]
        self.labels = _plain(links)["labels"]
        for name in PLAIN:
            setattr(self, name, getattr(task, name))


def _columns(task: Task, changes: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the columns to write, with what follows from them: closing, starting, one kind of due."""
    found = {name: value for name, value in changes.items() if name in PLAIN}
    if found.get("due_date") and found.get("due_at"):
        raise Invalid.field("due_at", "A task is due on a day or at an instant, not both.", "both_given")
    if found.get("due_date"):
        found["due_at"] = None
    if found.get("due_at"):
        found["due_date"] = None
    if "parent" in changes:
        parent = parent_in(task.project, changes["parent"], of=task)
        found["parent_id"] = parent.pk if parent else None
    if "status" in changes and changes["status"] != task.state.slug:
        found |= _into_state(task, changes["status"], now)
    return {name: value for name, value in found.items() if getattr(task, name) != value}


def _into_state(task: Task, status: str, now: datetime) -> dict[str, Any]:
    state = state_for(task.project, status)
    found: dict[str, Any] = {"state": state, "category": state.category}
    if state.category == Category.IN_PROGRESS and task.started_at is None:
        found["started_at"] = now
    if state.category in CLOSED:
        found["closed_at"] = task.closed_at or now
    else:
        found["closed_at"] = None
    return found


def _differences(task: Task, columns: dict[str, Any], before: Links, after: Links) -> Changes:
    """Return {field: [old, new]} under the names callers know, as plain values."""
    hidden = {"category", "started_at", "closed_at"}
    found = {
        n: [plain(getattr(task, n)), plain(v)] for n, v in columns.items() if n not in hidden | {"state", "parent_id"}
    }
    if "state" in columns and columns["state"].pk != task.state_id:
        found["status"] = [task.state.slug, columns["state"].slug]
    if "parent_id" in columns:
        found["parent"] = [plain(task.parent_id), plain(columns["parent_id"])]
    old, new = _plain(before), _plain(after)
    return found | {name: [old[name], new[name]] for name in LINKS if old[name] != new[name]}


def _save(task: Task, columns: dict[str, Any], now: datetime) -> None:
    task.was_closed_at = task.closed_at  # type: ignore[attr-defined]
    columns = columns | {"version": task.version + 1, "updated_at": now}
    for name, value in columns.items():
        setattr(task, name, value)
    attributes = ["state_id" if name == "state" else name for name in columns]
    save(task, {name: getattr(task, name) for name in attributes})


def _set_links(task: Task, before: Links, after: Links) -> None:
    if after.people != before.people:
        TaskAssignee.objects.filter(task=task).exclude(user__in=after.people).delete()
        new = [TaskAssignee(task=task, user_id=key) for key in after.people - before.people]
        TaskAssignee.objects.bulk_create(new, ignore_conflicts=True)
    if after.labels != before.labels:
        task.labels.set(Label.objects.filter(pk__in=after.labels))


def _facts(task: Task, changed: Changes, before: Links, after: Links) -> Iterator[Fact]:
    state = events.state_of(task, assignee_ids=after.people, labels=after.labels.values())
    yield events.TaskUpdated(task=state, changes=changed)
    for key in sorted(after.people - before.people):
        yield events.TaskAssigned(task=state, assignee_id=str(key))
    for key in sorted(before.people - after.people):
        yield events.TaskUnassigned(task=state, assignee_id=str(key))
    was_closed = task.was_closed_at is not None  # type: ignore[attr-defined]
    if "status" in changed and task.category == Category.DONE:
        yield events.TaskCompleted(task=state)
    elif "status" in changed and was_closed and not task.is_closed:
        yield events.TaskReopened(task=state)
