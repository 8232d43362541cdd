"""Writes of watches: watch a task, or stop watching it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import transaction

from accounts.models import User
from tasks.cache import invalidate_viewers
from tasks.items import selectors as items_selectors
from tasks.models import TaskWatch


@transaction.atomic
def set_watching(*, actor: User, ref: str, is_watching: bool) -> None:
    """Let the actor watch a task, or not, whatever their part in it. Raises NotFound."""
    task = items_selectors.get_task(actor, ref)
    TaskWatch.objects.update_or_create(task=task, user=actor, defaults={"is_watching": is_watching})
    invalidate_viewers(task.project)


def watch_for(*, task_id: uuid.UUID, user_ids: Iterable[str]) -> None:
    """Let users watch a task unless they have chosen; called again, it changes nothing."""
    ids = User.objects.filter(pk__in=list(user_ids)).values_list("pk", flat=True)
    rows = [TaskWatch(task_id=task_id, user_id=user_id, is_watching=True) for user_id in ids]
    TaskWatch.objects.bulk_create(rows, ignore_conflicts=True)
