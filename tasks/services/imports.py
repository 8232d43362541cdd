from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from core.db import uuid7
from events.publishing import Fact, publish_all
from tasks import events, selectors
from tasks.importers.base import ImportedComment, ImportedTask, ImportPlan, Loss
from tasks.importers.people import People
from tasks.models import Comment, ImportedRecord, Project, Task
from tasks.services.creating import Draft, create_tasks
from tasks.services.shared import require_current, require_editor

BATCH = 1000
EXCERPT = 280
NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or with `dry_run` would do. `skipped` counts the tasks that were imported before."""

    source: str
    dry_run: bool
    created: int
    skipped: int
    comments: int
    losses: tuple[Loss, ...]


@transaction.atomic
def import_tasks(
    *,
    project_id: uuid.UUID | str,
    actor: User,
    plan: ImportPlan,
    dry_run: bool = False,
    aliases: Mapping[str, str] | None = None,
) -> ImportReport:
    """Create what the plan holds and the project does not have from it yet; all of it or nothing.

    `project_id` may be a key. `aliases` say which e-mail address a name in the file means; others are matched with
    the members by name, handle and address. The locked project makes two imports at once follow each other.
    Nobody is mailed: an import is no news to a person, although the log has every task and comment.
    """
    project = selectors.lock_project(actor, project_id)
    require_editor(actor, project)
    require_current(project)
    work = _sort_out(plan, project, actor, aliases or {})
    if not dry_run:
        _carry_out(work, project, actor, plan.source, timezone.now())
    return ImportReport(
        source=plan.source,
        dry_run=dry_run,
        created=len(work.drafts),
        skipped=len(plan.tasks) - len(work.drafts),
        comments=len(work.comments),
        losses=tuple(sorted(work.losses, key=lambda loss: loss.row)),
    )


@dataclass(slots=True)
class _Work:
    """What is left to do: `places` leads from the external id of a task to the task it is or will be."""

    places: dict[str, uuid.UUID | None]
    drafts: dict[str, Draft] = field(default_factory=dict)
    comments: list[tuple[ImportedComment, uuid.UUID, str]] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)


def _sort_out(plan: ImportPlan, project: Project, actor: User, aliases: Mapping[str, str]) -> _Work:
    people = People([member.user for member in selectors.members(project) if member.user.is_active], aliases)
    known = _known(project, plan.source)
    work = _Work(places=known, losses=list(plan.losses))
    for task in plan.tasks:
        if task.external_id not in known:
            work.drafts[task.external_id] = draft = _draft(task, people, work)
            work.places[task.external_id] = draft.id
        for comment in task.comments:
            _sort_comment(comment, task, actor, people, work)
    _report_people(plan.tasks, actor, people, work)
    return work


def _known(project: Project, source: str) -> dict[str, uuid.UUID | None]:
    """The task of each record; None where it was deleted or moved to another project since."""
    records = ImportedRecord.objects.filter(project=project, source=source)
    rows = records.values_list("external_id", "task_id", "task__project_id")
    return {external_id: task_id if home == project.pk else None for external_id, task_id, home in rows}


def _draft(task: ImportedTask, people: People, work: _Work) -> Draft:
    responsible = people.find(task.responsible) if task.responsible else None
    parent = work.places[task.parent_id] if task.parent_id else None
    if task.parent_id and parent is None:
        work.losses.append(Loss(task.row, task.title, "The task it belongs below is gone; it stands alone now."))
    unmatched = f"Responsible: {task.responsible[:NAME_LENGTH]}" if task.responsible and not responsible else ""
    return Draft(
        title=task.title,
        description="\n\n".join(filter(None, [task.description, unmatched])),
        priority=task.priority,
        labels=task.labels,
        assignees=[responsible] if responsible else [],
        parent=parent,
        estimate=task.estimate,
        start_date=task.start_date,
        due_date=task.due_date,
        due_at=task.due_at,
    )


def _sort_comment(comment: ImportedComment, task: ImportedTask, actor: User, people: People, work: _Work) -> None:
    """A comment always is the importer's own: nobody can put words into another's mouth by way of a file."""
    if comment.external_id in work.places:
        return
    place = work.places[task.external_id]
    if place is None:
        work.losses.append(Loss(comment.row, comment.body, "The task it comments on is gone."))
        return
    by_another = comment.author and people.find(comment.author) != actor.pk
    words = f"*{comment.author[:NAME_LENGTH]} wrote:*\n\n{comment.body}" if by_another else comment.body
    work.comments.append((comment, place, words))


def _report_people(tasks: Sequence[ImportedTask], actor: User, people: People, work: _Work) -> None:
    """One line for each name, at the first row it stands in."""
    authors = {task.author: task.row for task in reversed(tasks) if task.external_id in work.drafts and task.author}
    missing = {task.responsible: task.row for task in reversed(tasks) if task.external_id in work.drafts}
    for name, row in authors.items():
        if people.find(name) != actor.pk:
            work.losses.append(Loss(row, f"Author: {name}", "Whoever imports a task is its creator."))
    for name, row in missing.items():
        if name and people.find(name) is None:
            why = "No one member of the project has this name; it is in the description of the tasks."
            work.losses.append(Loss(row, f"Responsible: {name}", why))


def _carry_out(work: _Work, project: Project, actor: User, source: str, now: datetime) -> None:
    if work.drafts:
        drafts = list(work.drafts.values())
        create_tasks(actor=actor, project_ref=str(project.pk), drafts=drafts, now=now, announce=False)
    comments = [
        Comment(id=uuid7(), task_id=place, author=actor, body=words, created_at=now)
        for _, place, words in work.comments
    ]
    Comment.objects.bulk_create(comments, batch_size=BATCH)
    ImportedRecord.objects.bulk_create(_records(work, project, source, now), batch_size=BATCH)
    publish_all(_facts(comments), actor=actor, at=now)


def _records(work: _Work, project: Project, source: str, now: datetime) -> list[ImportedRecord]:
    places = [(external_id, draft.id) for external_id, draft in work.drafts.items()]
    places += [(comment.external_id, place) for comment, place, _ in work.comments]
    return [
        ImportedRecord(project=project, source=source, external_id=external_id, task_id=place, created_at=now)
        for external_id, place in places
    ]


def _facts(comments: Sequence[Comment]) -> Iterator[Fact]:
    tasks = Task.objects.with_people().in_bulk([comment.task_id for comment in comments])
    for comment in comments:
        task = tasks[comment.task_id]
        yield events.TaskCommented(
            task=events.state_of(
                task,
                assignee_ids=[person.pk for person in task.assignees.all()],
                labels=[label.name for label in task.labels.all()],
            ),
            comment_id=str(comment.pk),
            excerpt=comment.body[:EXCERPT],
            mentioned_ids=[],
            audience_ids=[],
        )
