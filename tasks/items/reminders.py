"""Reminders of tasks that are due soon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from datetime import time as clock
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from core.serialization import to_json
from events.outbox import publish_all
from tasks import events
from tasks.models import Task, TaskAssignee

# The job runs every minute; a backlog is worked off in small transactions.
BATCH_SIZE = 500


@transaction.atomic
def publish_due_soon(*, now: datetime) -> int:
    """Publish TaskDueSoon for assigned tasks that are due within DUE_SOON_WITHIN; returns their number.

    Once for each due moment: the task remembers the moment it was published for. So several schedulers do not repeat it,
    one that was away catches up, and a moved due date is published again.
    """
    # Whole days end in UTC here, because a job has no reader whose time zone could count.
    end_of_today = datetime.combine(now.date() + timedelta(days=1), clock(), tzinfo=UTC)
    due_at = Q(due_at__gt=now, due_at__lte=now + settings.DUE_SOON_WITHIN) & _not_notified_for(F("due_at"))
    due_today = Q(due_date=now.date()) & _not_notified_for(end_of_today)
    is_assigned = Exists(TaskAssignee.objects.filter(task=OuterRef("pk")))
    # Filtered in the locking query itself: PostgreSQL evaluates the conditions again once it holds the lock.
    due_soon = Task.objects.open().filter(due_at | due_today, is_assigned)
    locked = due_soon.select_for_update(skip_locked=True, of=("self",)).select_related("project", "state")
    published = []
    for task in locked.prefetch_related("assignees", "labels")[:BATCH_SIZE]:
        # Without a new version: nobody who edits the task must get a conflict because of a reminder.
        Task.objects.filter(pk=task.pk).update(due_soon_notified_for=task.due)
        published.append(events.TaskDueSoon(task=task.payload(), due=to_json(task.due)))
    publish_all(published, actor=None, at=now)
    return len(published)


def _not_notified_for(moment: Any) -> Q:
    return Q(due_soon_notified_for=None) | ~Q(due_soon_notified_for=moment)
