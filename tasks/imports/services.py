"""Import of a plan into a project."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from core.clock import current_time
from core.db import uuid7
from core.errors import NotAllowed
from core.markdown import make_excerpt, rendered_columns
from core.text import truncate
from events.outbox import publish_all
from tasks import events, policies
from tasks.imports.plan import (
    MAX_WARNINGS,
    ConversionWarning,
    ImportedComment,
    ImportedTask,
    ImportPlan,
    WarningLog,
)
from tasks.imports.user_matching import UserMatcher
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.members import selectors as members_selectors
from tasks.models import Comment, ImportedRecord, Project, Task
from tasks.projects import selectors as projects_selectors

BATCH_SIZE = 1000
# Names come from the file and may have any length.
MAX_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Report of an import, or with `dry_run` of what it would do. `skipped` tasks were imported before."""

    source: str
    dry_run: bool
    created: int
    skipped: int
    comments: int
    warnings: tuple[ConversionWarning, ...]
    """The first of them, in the order of the rows."""
    warning_count: int


def run_import(
    *,
    project_id: uuid.UUID | str,
    actor: User,
    plan: ImportPlan,
    dry_run: bool = False,
    aliases: Mapping[str, str] | None = None,
) -> ImportReport:
    """Create the tasks and comments of a plan that were not imported before; all of them or none.

    `project_id` may be a key. `aliases` map names in the file to email addresses; other names are matched with the
    members. The project is locked only while rows are written; concurrent imports wait for each other there. No
    notifications are sent, though every task and comment has its event. Raises NotFound, NotAllowed, Conflict, Invalid.
    """
    project = projects_selectors.get_project(actor, project_id)
    _require_import(actor, project)
    members = [member.user for member in members_selectors.list_members(project) if member.user.is_active]
    matcher = UserMatcher(members, aliases or {})
    known = _imported_tasks(project, plan.source)
    work = _prepare(plan, actor, matcher, known)
    if not dry_run:
        with transaction.atomic():
            project = projects_selectors.lock_project(actor, project_id)
            _require_import(actor, project)
            # Another import or a deletion may have come first; members that left are refused when tasks are assigned.
            if (now_known := _imported_tasks(project, plan.source)) != known:
                work = _prepare(plan, actor, matcher, now_known)
            _write(work, project, actor, plan.source, current_time())
    return ImportReport(
        source=plan.source,
        dry_run=dry_run,
        created=len(work.drafts),
        skipped=len(plan.tasks) - len(work.drafts),
        comments=len(work.comments),
        # Those of the rows and those of the project, each bounded already.
        warnings=tuple(sorted([*plan.warnings, *work.warnings.first], key=lambda warning: warning.row))[:MAX_WARNINGS],
        warning_count=plan.warning_count + work.warnings.count,
    )


def _require_import(actor: User, project: Project) -> None:
    # A large file is read for minutes, in which the account may have been closed.
    if not User.objects.active().filter(pk=actor.pk).exists():
        raise NotAllowed(gettext("This account is deactivated."), code="account_inactive")
    policies.require_editor(projects_selectors.project_role(actor, project))
    policies.require_not_archived(project)


def _imported_tasks(project: Project, source: str) -> dict[str, uuid.UUID | None]:
    """Return the task of each external id that was imported; None where it was deleted or moved elsewhere."""
    records = ImportedRecord.objects.filter(project=project, source=source)
    rows = records.values_list("external_id", "task_id", "task__project_id")
    return {external_id: task_id if project_id == project.pk else None for external_id, task_id, project_id in rows}


@dataclass(slots=True)
class _PendingImport:
    """Rows to write. `task_ids` maps the external id of a task or comment to its task, None if that was deleted."""

    task_ids: dict[str, uuid.UUID | None]
    drafts: dict[str, TaskDraft] = field(default_factory=dict)
    comments: list[tuple[ImportedComment, uuid.UUID, dict[str, Any]]] = field(default_factory=list)
    warnings: WarningLog = field(default_factory=WarningLog)


def _prepare(
    plan: ImportPlan, actor: User, matcher: UserMatcher, known: Mapping[str, uuid.UUID | None]
) -> _PendingImport:
    work = _PendingImport(task_ids=dict(known))
    for task in plan.tasks:
        if task.external_id not in known:
            work.drafts[task.external_id] = draft = _build_draft(task, matcher, work)
            work.task_ids[task.external_id] = draft.id
        for comment in task.comments:
            if comment.external_id in work.task_ids:
                continue
            task_id = work.task_ids[task.external_id]
            if task_id is None:
                work.warnings.add(comment.row, comment.body, gettext("The task it comments on is gone."))
                continue
            # The importer becomes the author: a file must not attribute text to another user.
            by_another = comment.author and matcher.find(comment.author) != actor.pk
            when = f" on {comment.written}" if comment.written else ""
            # Its own time is that of the import, so the time of the file is kept in words too.
            head = f"*{truncate(comment.author, MAX_NAME_LENGTH)} wrote{when}:*" if by_another else f"*Written{when}:*"
            body = f"{head}\n\n{comment.body}" if by_another or when else comment.body
            # Its HTML too, before the project is locked.
            columns = rendered_columns("body", body)
            work.comments.append((comment, task_id, columns))

    # Once for each name that matches no member, at its first row.
    new_tasks = [task for task in reversed(plan.tasks) if task.external_id in work.drafts]
    for name, row in {task.author: task.row for task in new_tasks if task.author}.items():
        if matcher.find(name) != actor.pk:
            work.warnings.add(row, f"Author: {name}", gettext("The importing user becomes the creator."))
    for name, row in {task.responsible: task.row for task in new_tasks if task.responsible}.items():
        if matcher.find(name) is None:
            reason = gettext("No member of the project has this name; it is in the description of the tasks.")
            work.warnings.add(row, f"Responsible: {name}", reason)
    return work


def _build_draft(task: ImportedTask, matcher: UserMatcher, work: _PendingImport) -> TaskDraft:
    # Only members can be assigned, so a name without a match goes into the description.
    responsible = matcher.find(task.responsible) if task.responsible else None
    # A parent comes before its children in the plan, so its id is known.
    parent = work.task_ids[task.parent_id] if task.parent_id else None
    if task.parent_id and parent is None:
        work.warnings.add(task.row, task.title, gettext("The task it belongs below is gone; it stands alone now."))
    unmatched = (
        f"Responsible: {truncate(task.responsible, MAX_NAME_LENGTH)}" if task.responsible and not responsible else ""
    )
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


def _write(work: _PendingImport, project: Project, actor: User, source: str, now: datetime) -> None:
    if work.drafts:
        # The tasks first: comments and records refer to them.
        drafts = list(work.drafts.values())
        items.create_many(actor=actor, project_ref=str(project.pk), drafts=drafts, now=now, notify_assignees=False)
    comments = [
        Comment(id=uuid7(), task_id=task_id, author=actor, created_at=now, **columns)
        for _, task_id, columns in work.comments
    ]
    Comment.objects.bulk_create(comments, batch_size=BATCH_SIZE)
    task_ids = [(external_id, draft.id) for external_id, draft in work.drafts.items()]
    task_ids += [(comment.external_id, task_id) for comment, task_id, _ in work.comments]
    records = [
        ImportedRecord(project=project, source=source, external_id=external_id, task_id=task_id, created_at=now)
        for external_id, task_id in task_ids
    ]
    ImportedRecord.objects.bulk_create(records, batch_size=BATCH_SIZE)
    # Without mentions and audience: users should not get hundreds of notifications about old comments.
    tasks = Task.objects.with_relations().in_bulk([comment.task_id for comment in comments])
    published = (
        events.TaskCommented(
            task=tasks[comment.task_id].payload(),
            comment_id=str(comment.pk),
            excerpt=make_excerpt(comment.body, events.MAX_EXCERPT_LENGTH),
            mentioned_ids=[],
            audience_ids=[],
        )
        for comment in comments
    )
    publish_all(published, actor=actor, at=now)
