from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from core.db import uuid7
from events.outbox import DomainEvent, publish_all
from tasks import events, policies
from tasks.imports.plan import ConversionWarning, ImportedComment, ImportedTask, ImportPlan
from tasks.imports.user_matching import UserMatcher
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.members import selectors as members_selectors
from tasks.models import Comment, ImportedRecord, Project, Task
from tasks.projects import selectors as projects_selectors

BATCH_SIZE = 1000
EXCERPT_LENGTH = 280
MAX_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or with `dry_run` would do. `skipped` counts the tasks that were imported before."""

    source: str
    dry_run: bool
    created: int
    skipped: int
    comments: int
    warnings: tuple[ConversionWarning, ...]


@transaction.atomic
def run_import(
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
    project = projects_selectors.lock_project(actor, project_id)
    policies.require_editor(projects_selectors.project_role(actor, project))
    policies.require_not_archived(project)
    work = _prepare(plan, project, actor, aliases or {})
    if not dry_run:
        _write(work, project, actor, plan.source, timezone.now())
    return ImportReport(
        source=plan.source,
        dry_run=dry_run,
        created=len(work.drafts),
        skipped=len(plan.tasks) - len(work.drafts),
        comments=len(work.comments),
        warnings=tuple(sorted(work.warnings, key=lambda loss: loss.row)),
    )


@dataclass(slots=True)
class _PendingImport:
    """What is left to do: `places` leads from the external id of a task to the task it is or will be."""

    task_ids: dict[str, uuid.UUID | None]
    drafts: dict[str, TaskDraft] = field(default_factory=dict)
    comments: list[tuple[ImportedComment, uuid.UUID, str]] = field(default_factory=list)
    warnings: list[ConversionWarning] = field(default_factory=list)


def _prepare(plan: ImportPlan, project: Project, actor: User, aliases: Mapping[str, str]) -> _PendingImport:
    people = UserMatcher(
        [member.user for member in members_selectors.list_members(project) if member.user.is_active], aliases
    )
    known = _imported_task_ids(project, plan.source)
    work = _PendingImport(task_ids=known, warnings=list(plan.warnings))
    for task in plan.tasks:
        if task.external_id not in known:
            work.drafts[task.external_id] = draft = _build_draft(task, people, work)
            work.task_ids[task.external_id] = draft.id
        for comment in task.comments:
            _prepare_comment(comment, task, actor, people, work)
    _warn_about_users(plan.tasks, actor, people, work)
    return work


def _imported_task_ids(project: Project, source: str) -> dict[str, uuid.UUID | None]:
    """The task of each record; None where it was deleted or moved to another project since."""
    records = ImportedRecord.objects.filter(project=project, source=source)
    rows = records.values_list("external_id", "task_id", "task__project_id")
    return {external_id: task_id if home == project.pk else None for external_id, task_id, home in rows}


def _build_draft(task: ImportedTask, people: UserMatcher, work: _PendingImport) -> TaskDraft:
    responsible = people.find(task.responsible) if task.responsible else None
    parent = work.task_ids[task.parent_id] if task.parent_id else None
    if task.parent_id and parent is None:
        work.warnings.append(
            ConversionWarning(task.row, task.title, "The task it belongs below is gone; it stands alone now.")
        )
    unmatched = f"Responsible: {task.responsible[:MAX_NAME_LENGTH]}" if task.responsible and not responsible else ""
    return TaskDraft(
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


def _prepare_comment(
    comment: ImportedComment, task: ImportedTask, actor: User, people: UserMatcher, work: _PendingImport
) -> None:
    """A comment always is the importer's own: nobody can put words into another's mouth by way of a file."""
    if comment.external_id in work.task_ids:
        return
    place = work.task_ids[task.external_id]
    if place is None:
        work.warnings.append(ConversionWarning(comment.row, comment.body, "The task it comments on is gone."))
        return
    by_another = comment.author and people.find(comment.author) != actor.pk
    words = f"*{comment.author[:MAX_NAME_LENGTH]} wrote:*\n\n{comment.body}" if by_another else comment.body
    work.comments.append((comment, place, words))


def _warn_about_users(tasks: Sequence[ImportedTask], actor: User, people: UserMatcher, work: _PendingImport) -> None:
    """One line for each name, at the first row it stands in."""
    authors = {task.author: task.row for task in reversed(tasks) if task.external_id in work.drafts and task.author}
    missing = {task.responsible: task.row for task in reversed(tasks) if task.external_id in work.drafts}
    for name, row in authors.items():
        if people.find(name) != actor.pk:
            work.warnings.append(ConversionWarning(row, f"Author: {name}", "Whoever imports a task is its creator."))
    for name, row in missing.items():
        if name and people.find(name) is None:
            reason = "No one member of the project has this name; it is in the description of the tasks."
            work.warnings.append(ConversionWarning(row, f"Responsible: {name}", reason))


def _write(work: _PendingImport, project: Project, actor: User, source: str, now: datetime) -> None:
    if work.drafts:
        drafts = list(work.drafts.values())
        items.create_many(actor=actor, project_ref=str(project.pk), drafts=drafts, now=now, notify_assignees=False)
    comments = [
        Comment(id=uuid7(), task_id=place, author=actor, body=words, created_at=now)
        for _, place, words in work.comments
    ]
    Comment.objects.bulk_create(comments, batch_size=BATCH_SIZE)
    ImportedRecord.objects.bulk_create(_build_records(work, project, source, now), batch_size=BATCH_SIZE)
    publish_all(_commented_events(comments), actor=actor, at=now)


def _build_records(work: _PendingImport, project: Project, source: str, now: datetime) -> list[ImportedRecord]:
    task_ids = [(external_id, draft.id) for external_id, draft in work.drafts.items()]
    task_ids += [(comment.external_id, place) for comment, place, _ in work.comments]
    return [
        ImportedRecord(project=project, source=source, external_id=external_id, task_id=place, created_at=now)
        for external_id, place in task_ids
    ]


def _commented_events(comments: Sequence[Comment]) -> Iterator[DomainEvent]:
    tasks = Task.objects.with_relations().in_bulk([comment.task_id for comment in comments])
    for comment in comments:
        task = tasks[comment.task_id]
        yield events.TaskCommented(
            task=events.task_payload(
                task,
                assignee_ids=[user.pk for user in task.assignees.all()],
                labels=[label.name for label in task.labels.all()],
            ),
            comment_id=str(comment.pk),
            excerpt=comment.body[:EXCERPT_LENGTH],
            mentioned_ids=[],
            audience_ids=[],
        )
