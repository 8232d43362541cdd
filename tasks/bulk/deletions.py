"""Deletions and restorations of more rows than one request may move: a worker makes them, all or none."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from accounts.models import User
from core.errors import Conflict
from events.models import Event
from tasks.bulk import background
from tasks.items import selectors as items_selectors
from tasks.items import services as items
from tasks.models import BulkJob, Label, Section
from tasks.projects import labels
from tasks.projects import selectors as projects_selectors
from tasks.projects import services as projects
from tasks.sections import services as sections
from tasks.trash import selectors as trash_selectors
from tasks.trash import services as trash
from tasks.trash import storage
from tasks.trash.restoration import Restoration
from tasks.undo.tokens import PROJECT_EVENTS, TASK_EVENTS, make_token

Kind = BulkJob.Kind


def delete_project(*, actor: User, ref: str, now: datetime, versions: frozenset[int] | None = None) -> BulkJob | None:
    """Delete a project, or leave it to a worker and return the job. Raises what `projects.delete` does."""
    delete = partial(projects.delete, actor=actor, ref=ref, now=now, versions=versions)
    return _delete(actor, Kind.DELETE_PROJECT, delete, lambda: projects_selectors.get_project(actor, ref), now)


def delete_task(*, actor: User, ref: str, now: datetime, versions: frozenset[int] | None = None) -> BulkJob | None:
    """Delete a task, or leave it to a worker and return the job. Raises what `items.delete` does."""
    delete = partial(items.delete, actor=actor, ref=ref, now=now, versions=versions)
    return _delete(actor, Kind.DELETE_TASK, delete, lambda: items_selectors.get_task(actor, ref), now)


def delete_label(
    *, actor: User, label_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None
) -> BulkJob | None:
    """Delete a label, or leave it to a worker and return the job. Raises what `labels.delete` does."""
    delete = partial(labels.delete, actor=actor, label_id=label_id, now=now, versions=versions)
    return _delete(actor, Kind.DELETE_LABEL, delete, lambda: Label.objects.get(pk=label_id), now)


def delete_section(
    *, actor: User, ref: str, section_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None
) -> BulkJob | None:
    """Delete a section, or leave it to a worker and return the job. Raises what `sections.delete` does."""
    delete = partial(sections.delete, actor=actor, ref=ref, section_id=section_id, now=now, versions=versions)
    return _delete(actor, Kind.DELETE_SECTION, delete, lambda: Section.objects.get(pk=section_id), now)


def restore(*, actor: User, entry_id: uuid.UUID, now: datetime) -> Restoration | BulkJob:
    """Restore an object, or leave it to a worker and return the job. Raises what `trash.restore` does."""
    entry = trash_selectors.get_entry(actor, entry_id)
    if entry.row_count <= storage.MAX_ROWS:
        return trash.restore(actor=actor, entry_id=entry_id, now=now)
    return background.request_job(
        BulkJob(
            user=actor,
            kind=Kind.RESTORE,
            task_ids=[],
            changes={},
            object_id=entry_id,
            title=entry.title,
            total=entry.row_count,
        ),
        now,
    )


def _delete(
    actor: User, kind: Kind, delete: Callable[[], None], get_object: Callable[[], Any], now: datetime
) -> BulkJob | None:
    try:
        # It also checks the version and the permission.
        delete()
    except Conflict as error:
        if error.code != storage.TOO_MANY_ROWS:
            raise
        obj = get_object()
        return background.request_job(
            BulkJob(user=actor, kind=kind, task_ids=[], changes={}, object_id=obj.pk, title=str(obj)[:560], total=0),
            now,
        )
    return None


def run(job: BulkJob, now: datetime) -> str:
    """Do the work of a job; returns the undo token. Raises DomainError."""
    actor, object_id = job.user, job.object_id
    assert object_id is not None
    with storage.large_deletions(partial(background.report_progress, job.pk)):
        match job.kind:
            case Kind.DELETE_PROJECT:
                projects.delete(actor=actor, ref=str(object_id), now=now)
            case Kind.DELETE_TASK:
                items.delete(actor=actor, ref=str(object_id), now=now)
            case Kind.DELETE_LABEL:
                labels.delete(actor=actor, label_id=object_id, now=now)
            case Kind.DELETE_SECTION:
                project_id = Section.objects.values_list("project_id", flat=True).get(pk=object_id)
                sections.delete(actor=actor, ref=str(project_id), section_id=object_id, now=now)
            case Kind.RESTORE:
                object_id = trash.restore(actor=actor, entry_id=object_id, now=now).object_id
    names = PROJECT_EVENTS | TASK_EVENTS
    # Of this transaction: its events have the time of the job.
    return make_token(Event.objects.filter(subject_id=object_id, name__in=names, actor_id=actor.pk, occurred_at=now))
