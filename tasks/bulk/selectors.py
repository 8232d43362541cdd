from __future__ import annotations

import uuid

from django.db.models import QuerySet

from accounts.models import User
from core.db import get_or_404
from events.models import Event
from tasks.models import BulkJob


def updates_of(event: Event) -> QuerySet[Event]:
    """Return the events of the tasks of all `bulk.updated` of one transaction."""
    # The times of one transaction are equal; its undo has the same subject and another time.
    parts = Event.objects.filter(
        name=event.name, subject_id=event.subject_id, actor_id=event.actor_id, occurred_at=event.occurred_at
    )
    return Event.objects.filter(
        subject_id__in=[task_id for part in parts for task_id in part.payload["task_ids"]],
        name="task.updated",
        actor_id=event.actor_id,
        occurred_at=event.occurred_at,
    )


def get_job(user: User, job_id: uuid.UUID) -> BulkJob:
    """Return a change of the user's own. Raises NotFound."""
    return get_or_404(BulkJob.objects.filter(user=user, pk=job_id).defer("task_ids"), "There is no such change.")
