from __future__ import annotations

from datetime import UTC, datetime, timedelta
from datetime import time as clock
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from events.outbox import publish_all
from tasks import events
from tasks.models import Task, TaskAssignee

BATCH_SIZE = 500


@transaction.atomic
def publish_due_soon(*, now: datetime) -> int:
    """Tell once, for each due moment of each open task, that it is near; returns how many were told.

    A task is claimed by remembering the due moment it was told for, so several schedulers tell it once, a
    scheduler that was away tells it when it is back, and a moved due date is told again.
    """
    end_of_today = datetime.combine(now.date() + timedelta(days=1), clock(), tzinfo=UTC)
    at_an_instant = Q(due_at__gt=now, due_at__lte=now + settings.DUE_SOON_WITHIN) & _not_notified_for(F("due_at"))
    on_a_day = Q(due_date=now.date()) & _not_notified_for(end_of_today)
    assigned = Exists(TaskAssignee.objects.filter(task=OuterRef("pk")))
    # The conditions stand on the locked rows themselves: PostgreSQL asks them again once it holds the lock.
    waiting = Task.objects.open().filter(at_an_instant | on_a_day, assigned)
    locked = waiting.select_for_update(skip_locked=True, of=("self",)).select_related("project", "state")
    facts = []
    for task in locked.prefetch_related("assignees", "labels")[:BATCH_SIZE]:
        Task.objects.filter(pk=task.pk).update(due_soon_notified_for=task.due)
        people = [user.pk for user in task.assignees.all()]
        state = events.task_payload(task, assignee_ids=people, labels=[label.name for label in task.labels.all()])
        facts.append(events.TaskDueSoon(task=state, due=events.to_json(task.due)))
    publish_all(facts, actor=None, at=now)
    return len(facts)


def _not_notified_for(moment: Any) -> Q:
    return Q(due_soon_notified_for=None) | ~Q(due_soon_notified_for=moment)
