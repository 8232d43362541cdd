from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.dateparse import parse_datetime

from accounts.models import User
from core.db import get_or_404
from events.models import Event
from tasks.models import BulkJob


def updates_of(event: Event) -> QuerySet[Event]:
    """Return the events of the tasks of all `bulk.updated` of one transaction."""
    return _events_of(event, "task.updated")


def repetitions_of(event: Event) -> QuerySet[Event]:
    """Return the events of the recurring tasks that a bulk change completed.

    In the order of their tasks.
    """
    return _events_of(event, "task.repeated").order_by("subject_id")


def times_before(updates: Iterable[Event]) -> dict[uuid.UUID, dict[str, datetime | None]]:
    """Return when tasks were started and closed before these updates, by task; one query."""
    earlier = Event.objects.filter(subject_id=OuterRef("subject_id"), pk__lt=OuterRef("pk"), payload__has_key="task")
    rows = Event.objects.filter(pk__in=[update.pk for update in updates])
    previous = rows.annotate(previous=Subquery(earlier.order_by("-pk").values("payload__task")[:1]))
    return {
        task_id: {name: parse_datetime(task[name] or "") for name in ("started_at", "closed_at")}
        for task_id, task in previous.values_list("subject_id", "previous")
        if task
    }


def _events_of(event: Event, name: str) -> QuerySet[Event]:
    # The times of one transaction are equal; its undo has the same subject and another time.
    parts = Event.objects.filter(
        name=event.name, subject_id=event.subject_id, actor_id=event.actor_id, occurred_at=event.occurred_at
    )
    return Event.objects.filter(
        subject_id__in=[task_id for part in parts for task_id in part.payload["task_ids"]],
        name=name,
        actor_id=event.actor_id,
        occurred_at=event.occurred_at,
    )


def get_job(user: User, job_id: uuid.UUID) -> BulkJob:
    """Return a change of the user's own. Raises NotFound."""
    return get_or_404(BulkJob.objects.filter(user=user, pk=job_id).defer("task_ids"), "There is no such change.")
