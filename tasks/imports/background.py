"""Imports of large files by a worker: on the page a check first, in the API at once what was asked for."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from accounts.models import User
from core.db import violated_constraint
from core.errors import Conflict, DomainError, NotFound
from events.outbox import publish
from tasks import events, policies
from tasks.imports.limits import LimitExceeded, limits
from tasks.imports.plan import MAX_BYTES, FileError, UnreadableFile
from tasks.imports.services import ImportReport, run_import
from tasks.imports.sources import parse_file
from tasks.models import ImportJob
from tasks.projects import selectors as projects_selectors

# A file up to this size is read within its request; a larger one is a worker's job.
MAX_INLINE_BYTES = 512 * 1024
# What 50,000 rows, the largest file, need on a small machine, with room to spare.
MAX_SECONDS = 600
MAX_MEGABYTES = 1024
# The file and the report are deleted so long after the upload.
RETENTION = timedelta(days=1)
State = ImportJob.State


def get_job(user: User, job_id: uuid.UUID, project_id: uuid.UUID | None = None) -> ImportJob:
    """Return an import job of this user (into this project), without its file. Raises NotFound."""
    jobs = ImportJob.objects.filter(user=user, pk=job_id)
    if project_id:
        jobs = jobs.filter(project=project_id)
    job = jobs.select_related("project").defer("data").first()
    if job is None:
        raise NotFound(gettext("There is no such import."))
    return job


def get_progress(job: ImportJob) -> int:
    """Return how many rows of the file the worker has read; 0 where it is not known."""
    return int(cache.get(_progress_key(job.pk)) or 0)


@transaction.atomic
def request_import(
    *, actor: User, project_id: uuid.UUID | str, source: str, data: bytes, dry_run: bool, now: datetime
) -> ImportJob:
    """Store a file for a worker to import, or only to check. Raises NotFound, NotAllowed, Conflict, UnreadableFile."""
    project = projects_selectors.get_project(actor, project_id)
    policies.require_editor(projects_selectors.project_role(actor, project))
    policies.require_not_archived(project)
    if len(data) > MAX_BYTES:
        raise UnreadableFile(
            [
                FileError(
                    1,
                    "",
                    gettext("The file is larger than %(max_bytes)s MB.") % {"max_bytes": MAX_BYTES // 1024 // 1024},
                )
            ]
        )
    job = ImportJob(project=project, user=actor, source=source, data=data, created_at=now)
    return _start(job, State.CHECKING if dry_run else State.IMPORTING, now)


@transaction.atomic
def confirm(*, actor: User, job_id: uuid.UUID, now: datetime) -> ImportJob:
    """Let the worker import a file that was checked; once it was confirmed this does nothing. Raises NotFound."""
    jobs = ImportJob.objects.select_for_update(of=("self",)).select_related("project")
    job = jobs.filter(user=actor, pk=job_id).first()
    if job is None:
        raise NotFound(gettext("There is no such import."))
    return _start(job, State.IMPORTING, now) if job.state == State.CHECKED else job


def _start(job: ImportJob, state: State, now: datetime) -> ImportJob:
    job.state = state
    try:
        with transaction.atomic():
            job.save()
    except IntegrityError as error:
        if violated_constraint(error) != "a_user_has_one_running_import":
            raise
        raise Conflict(gettext("Another import of yours is still running."), code="under_way") from error
    project = events.project_payload(job.project)
    publish(events.ImportRequested(project=project, import_id=str(job.pk)), actor=job.user, at=now)
    return job


@transaction.atomic
def run_job(*, job_id: uuid.UUID, now: datetime) -> None:
    """Check or import the file of a job, within limits of time and memory. Does nothing for one that has ended.

    The end of the job and the imported tasks are committed together, so a job that runs again continues from the start.
    """
    # The lock makes a second delivery of the event wait, and find the job ended.
    running = ImportJob.objects.filter(pk=job_id, state__in=ImportJob.RUNNING)
    job = running.select_for_update(of=("self",)).select_related("user", "project").first()
    if job is None:
        return
    is_check = job.state == State.CHECKING
    try:
        with limits(seconds=MAX_SECONDS, megabytes=MAX_MEGABYTES), transaction.atomic():
            plan = parse_file(
                job.source,
                bytes(job.data),
                now=now,
                time_zone=job.user.time_zone,
                progress=lambda rows: cache.set(_progress_key(job.pk), rows, timeout=MAX_SECONDS),
            )
            report = run_import(project_id=job.project_id, actor=job.user, plan=plan, dry_run=is_check)
    except (DomainError, LimitExceeded) as error:
        job.state, job.error = State.FAILED, error.detail if isinstance(error, DomainError) else str(error)
    else:
        job.state, job.report = State.CHECKED if is_check else State.DONE, _report_json(report)
    if job.state != State.CHECKED:
        job.data = b""
    job.save(update_fields=["state", "error", "report", "data"])


def purge_jobs(*, now: datetime) -> int:
    """Delete old jobs with their files; return how many there were."""
    deleted, _ = ImportJob.objects.filter(created_at__lt=now - RETENTION).delete()
    return deleted


def _progress_key(job_id: uuid.UUID) -> str:
    return f"import-progress:{job_id}"


def _report_json(report: ImportReport) -> dict[str, Any]:
    return {
        "source": report.source,
        "dry_run": report.dry_run,
        "created": report.created,
        "skipped": report.skipped,
        "comments": report.comments,
        "warning_count": report.warning_count,
        "warnings": [
            {"row": warning.row, "item": warning.item, "reason": warning.reason} for warning in report.warnings
        ],
    }
