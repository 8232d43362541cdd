"""Changes of more tasks than one request may change: a worker makes them, all or none."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.models import User
from core.db import violated_constraint
from core.errors import Conflict, DomainError, Invalid
from core.serialization import to_json
from events.models import Event
from events.outbox import publish
from tasks import events
from tasks.bulk import services
from tasks.models import BulkJob, Task
from tasks.undo.tokens import make_token


@dataclass(frozen=True, slots=True)
class BulkResult:
    """Result of a request: how many tasks it matched and changed, or the job that a worker will do."""

    matched: int
    updated: int
    job: BulkJob | None = None


def update_matching(
    *, actor: User, matching: QuerySet[Task], expected_count: int, changes: Mapping[str, Any], now: datetime
) -> BulkResult:
    """Change the tasks that match a filter, if they are as many as expected.

    More than MAX_TASKS are left to a worker. Raises Invalid, Conflict, NotAllowed.
    """
    ids = list(matching.order_by("pk").values_list("pk", flat=True)[: services.MAX_TASKS_OF_JOB + 1])
    if len(ids) > services.MAX_TASKS_OF_JOB:
        raise Conflict(f"The filter matches more than {services.MAX_TASKS_OF_JOB:,} tasks.", code="too_many_tasks")
    if len(ids) != expected_count:
        raise Conflict(
            f"The filter matches {len(ids):,} tasks now, not {expected_count:,}. Nothing was changed.",
            code="count_changed",
        )
    if len(ids) <= services.MAX_TASKS:
        return BulkResult(len(ids), len(services.update(actor=actor, ids=ids, changes=changes, now=now)))
    return BulkResult(len(ids), 0, _request_job(actor, ids, changes, now))


@transaction.atomic
def _request_job(actor: User, ids: list[uuid.UUID], changes: Mapping[str, Any], now: datetime) -> BulkJob:
    try:
        with transaction.atomic():
            job = BulkJob.objects.create(
                user=actor,
                task_ids=ids,
                changes={name: to_json(value) for name, value in changes.items()},
                total=len(ids),
                created_at=now,
            )
    except IntegrityError as error:
        if violated_constraint(error) != "a_user_has_one_waiting_bulk_change":
            raise
        raise Conflict("Another change of many tasks is still under way.", code="under_way") from error
    publish(events.BulkRequested(bulk={"id": str(job.pk)}), actor=actor, at=now)
    return job


@transaction.atomic
def run_job(*, job_id: uuid.UUID, now: datetime) -> None:
    """Make the change of a job. Does nothing for one that has ended."""
    # The lock makes a second delivery of the event wait, and find the job ended.
    job = BulkJob.objects.filter(pk=job_id, state=BulkJob.State.QUEUED).select_for_update(of=("self",)).first()
    if job is None:
        return
    changes = {name: _parse(name, value) for name, value in job.changes.items()}
    try:
        with transaction.atomic():
            for start in range(0, job.total, services.MAX_TASKS):
                ids = job.task_ids[start : start + services.MAX_TASKS]
                # A task that was deleted meanwhile is left out.
                ids = list(Task.objects.filter(pk__in=ids).values_list("pk", flat=True))
                job.updated += len(
                    services.update_each(
                        actor=job.user, changes=dict.fromkeys(ids, changes), now=now, operation_id=job.pk
                    )
                )
                cache.set(_progress_key(job.pk), start + len(ids), timeout=600)
    except DomainError as error:
        job.updated = 0
        job.state, job.error = BulkJob.State.FAILED, _describe(error)
    else:
        job.state = BulkJob.State.DONE
        first = Event.objects.filter(name="bulk.updated", subject_id=job.pk).order_by("pk")[:1]
        job.undo_token = make_token(first)
    job.task_ids = []
    job.save(update_fields=["state", "updated", "error", "task_ids", "undo_token"])


def get_progress(job: BulkJob) -> int:
    """Return how many tasks the worker has looked at."""
    return job.total if job.state == BulkJob.State.DONE else int(cache.get(_progress_key(job.pk)) or 0)


def _progress_key(job_id: uuid.UUID) -> str:
    return f"bulk-progress:{job_id}"


def _parse(name: str, value: Any) -> Any:
    """Return a JSON value of a job as the service takes it."""
    if name.endswith("assignees"):
        return [uuid.UUID(user_id) for user_id in value]
    if name in services.FIELDS and name not in {"status", "labels"}:
        return Task._meta.get_field(name).to_python(value)  # type: ignore[union-attr]
    return value


def _describe(error: DomainError) -> str:
    return " ".join(field.message for field in error.fields) if isinstance(error, Invalid) else error.detail
