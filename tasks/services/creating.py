from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction

from accounts.models import User
from core.db import uuid7
from core.errors import Invalid
from core.prepared import insert_all
from events.publishing import Fact, publish_all
from tasks import events, selectors
from tasks.models import Category, Label, Priority, Project, State, Task, TaskAssignee
from tasks.positions import at_end
from tasks.querysets import CLOSED
from tasks.services.numbering import take_numbers
from tasks.services.projects import new_project
from tasks.services.shared import (
    forget_answers,
    labels_named,
    members_among,
    parent_in,
    require_current,
    require_edit,
    state_among,
)


@dataclass(slots=True, kw_only=True)
class Draft:
    """What a new task shall be. `status` is a state's slug or a category; `labels` are names, made where missing.

    `id` may be chosen beforehand, so that a later draft of the same call can name it as its `parent`.
    """

    title: str
    description: str = ""
    status: str = ""
    priority: int = Priority.NONE
    start_date: date | None = None
    due_date: date | None = None
    due_at: datetime | None = None
    estimate: int | None = None
    parent: uuid.UUID | None = None
    assignees: Sequence[uuid.UUID] = ()
    labels: Sequence[str] = ()
    id: uuid.UUID = field(default_factory=uuid7)

    def __post_init__(self) -> None:
        self.assignees = [uuid.UUID(str(key)) for key in self.assignees]


@transaction.atomic
def create_task(*, actor: User, draft: Draft, now: datetime, project_ref: str = "") -> Task:
    """Create one task; without a project it lands in the actor's own inbox project."""
    ref = project_ref or str((selectors.inbox_of(actor) or ensure_inbox(actor=actor)).pk)
    return _create(actor, ref, [draft], now)[0]


@transaction.atomic
def create_tasks(
    *, actor: User, project_ref: str, drafts: Sequence[Draft], now: datetime, announce: bool = True
) -> list[Task]:
    """Create tasks in the order given, with consecutive numbers; all of them or none.

    Without `announce` nobody is told what was assigned to them: an import is no news, and would be hundreds of mails.
    """
    return _create(actor, project_ref, drafts, now, announce=announce)


def _create(
    actor: User, project_ref: str, drafts: Sequence[Draft], now: datetime, *, announce: bool = True
) -> list[Task]:
    project, first = take_numbers(actor=actor, project_ref=project_ref, count=len(drafts))
    role, workflow = selectors.role_and_workflow(actor, project)
    require_edit(role)
    require_current(project)
    people = set(members_among_drafts(project, drafts))
    batch = {draft.id for draft in drafts}
    states = {status: _state(workflow, status) for status in {draft.status for draft in drafts}}
    tasks = [
        _row(project, actor, draft, first + index, now, states[draft.status], batch)
        for index, draft in enumerate(drafts)
    ]
    insert_all(Task, tasks)
    named = {names: labels_named(project, names) for names in {tuple(draft.labels) for draft in drafts}}
    labels = {draft.id: named[tuple(draft.labels)] for draft in drafts if draft.labels}
    _link(drafts, labels, people)
    publish_all(_facts(tasks, drafts, labels, announce), actor=actor, at=now)
    forget_answers(project)
    return tasks


def members_among_drafts(project: Project, drafts: Sequence[Draft]) -> list[uuid.UUID]:
    found: set[uuid.UUID] = set()
    for wanted in {tuple(draft.assignees) for draft in drafts if draft.assignees}:
        found |= set(members_among(project, wanted))
    return sorted(found)


def _row(
    project: Project, actor: User, draft: Draft, number: int, now: datetime, state: State, batch: set[uuid.UUID]
) -> Task:
    if draft.parent is not None and draft.parent not in batch:
        parent_in(project, draft.parent)
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
        position=at_end(number),
        start_date=draft.start_date,
        due_date=draft.due_date,
        due_at=draft.due_at,
        estimate=draft.estimate,
        parent_id=draft.parent,
        creator=actor,
        created_at=now,
        updated_at=now,
        started_at=now if state.category == Category.IN_PROGRESS else None,
        closed_at=now if state.category in CLOSED else None,
    )


def _state(workflow: Sequence[State], status: str) -> State:
    return state_among(workflow, status) if status else workflow[0]


def _link(drafts: Sequence[Draft], labels: dict[uuid.UUID, list[Label]], people: set[uuid.UUID]) -> None:
    assignments = [TaskAssignee(task_id=d.id, user_id=key) for d in drafts for key in set(d.assignees) & people]
    insert_all(TaskAssignee, assignments)
    link = Task.labels.through
    insert_all(link, [link(task_id=key, label_id=label.pk) for key, found in labels.items() for label in found])


def _facts(
    tasks: list[Task], drafts: Sequence[Draft], labels: dict[uuid.UUID, list[Label]], announce: bool
) -> Iterator[Fact]:
    for task, draft in zip(tasks, drafts, strict=True):
        names = [label.name for label in labels.get(task.pk, [])]
        state = events.state_of(task, assignee_ids=set(draft.assignees), labels=names)
        yield events.TaskCreated(task=state)
        for key in state["assignee_ids"] if announce else ():
            yield events.TaskAssigned(task=state, assignee_id=key)


@transaction.atomic
def ensure_inbox(*, actor: User) -> Project:
    """Return the actor's own inbox project, making it the first time it is needed."""
    found = selectors.inbox_of(actor)
    if found is not None:
        return found
    # A weaker lock than usual: who writes tasks into the new inbox already holds it, and names this person.
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    return selectors.inbox_of(actor) or new_project(
        actor=actor, key=f"ME{actor.pk.hex[-8:].upper()}", name="Inbox", is_inbox=True
    )
