"""Changes of more tasks than one request may change: a worker makes them, all or none."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext

from accounts.models import User
from core.db import violated_constraint
from core.errors import Conflict
from core.serialization import to_json
from events.models import Delivery, Event
from events.outbox import publish
from tasks import events
from tasks.bulk import services
from tasks.models import BulkJob, Task


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
    if "status" in changes:
        # Whether it closes them, each project says for itself.
        services.require_few_repeated(Task.objects.filter(pk__in=ids, is_recurring=True, closed_at=None).count())
    return BulkResult(len(ids), 0, _request_update(actor, ids, changes, now))


def _request_update(actor: User, ids: list[uuid.UUID], changes: Mapping[str, Any], now: datetime) -> BulkJob:
    values = {name: to_json(value) for name, value in changes.items()}
    return request_job(BulkJob(user=actor, task_ids=ids, changes=values, total=len(ids)), now)


@transaction.atomic
def request_job(job: BulkJob, now: datetime) -> BulkJob:
    """Leave a job to a worker. Raises Conflict while the user has another one."""
    job.created_at = now
    # After its last attempt no worker begins a job again, and it must not keep its user from all later ones.
    dead = Event.objects.filter(subject_id=OuterRef("pk"), name="bulk.requested", deliveries__state=Delivery.State.DEAD)
    abandoned = BulkJob.objects.filter(Exists(dead), user=job.user, state=BulkJob.State.QUEUED)
    abandoned.update(
        state=BulkJob.State.FAILED, error=gettext("An error stopped it. Nothing was changed."), task_ids=[]
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError as error:
        if violated_constraint(error) != "a_user_has_one_waiting_bulk_change":
            raise
        raise Conflict(gettext("Another large change of yours is still under way."), code="under_way") from error
    publish(events.BulkRequested(bulk={"id": str(job.pk)}), actor=job.user, at=now)
    return job


def get_progress(job: BulkJob) -> int:
    """Return how many tasks, or rows of a deletion, the worker has looked at."""
    return job.total if job.state == BulkJob.State.DONE and job.total else int(cache.get(_progress_key(job.pk)) or 0)


def _progress_key(job_id: uuid.UUID) -> str:
    return f"bulk-progress:{job_id}"


def report_progress(job_id: uuid.UUID, count: int) -> None:
    """Note how many tasks or rows the worker has looked at, outside of its transaction."""
    cache.set(_progress_key(job_id), count, timeout=600)
