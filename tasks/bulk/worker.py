"""The worker's part of changes, deletions and restorations that are too large for a request."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils.translation import gettext

from core.errors import DomainError, Invalid
from events.models import Event
from tasks.bulk import background, deletions, services
from tasks.models import BulkJob, Task
from tasks.undo.tokens import make_token


@transaction.atomic
def run_job(*, job_id: uuid.UUID, now: datetime) -> None:
    """Do the work of a job, all or nothing. Does nothing for one that has ended.

    The end of the job is committed with its work, so one whose worker died begins again.
    """
    # The lock makes a second delivery of the event wait, and find the job ended.
    job = BulkJob.objects.filter(pk=job_id, state=BulkJob.State.QUEUED).select_for_update(of=("self",)).first()
    if job is None:
        return
    try:
        with transaction.atomic():
            job.undo_token = _update(job, now) if job.kind == BulkJob.Kind.UPDATE else deletions.run(job, now)
    except (DomainError, ObjectDoesNotExist) as error:
        job.updated = 0
        job.state, job.error = BulkJob.State.FAILED, _describe(error)
    else:
        job.state = BulkJob.State.DONE
    job.task_ids = []
    job.save(update_fields=["state", "updated", "error", "task_ids", "undo_token"])


def _update(job: BulkJob, now: datetime) -> str:
    """Change the tasks of a job in batches; returns the undo token of all of them."""
    changes = {name: _parse(name, value) for name, value in job.changes.items()}
    for start in range(0, job.total, services.MAX_TASKS):
        ids = job.task_ids[start : start + services.MAX_TASKS]
        # A task that was deleted meanwhile is left out.
        ids = list(Task.objects.filter(pk__in=ids).values_list("pk", flat=True))
        each = dict.fromkeys(ids, changes)
        job.updated += len(services.update_each(actor=job.user, changes=each, now=now, operation_id=job.pk))
        background.report_progress(job.pk, start + len(ids))
    return make_token(Event.objects.filter(name="bulk.updated", subject_id=job.pk).order_by("pk")[:1])


def _parse(name: str, value: Any) -> Any:
    """Return a JSON value of a job as the service takes it."""
    if name.endswith("assignees"):
        return [uuid.UUID(user_id) for user_id in value]
    if name in services.FIELDS and name not in {"status", "labels"}:
        return Task._meta.get_field(name).to_python(value)  # type: ignore[union-attr]
    return value


def _describe(error: Exception) -> str:
    if not isinstance(error, DomainError):
        return gettext("It was deleted meanwhile.")
    return " ".join(field.message for field in error.fields) if isinstance(error, Invalid) else error.detail
