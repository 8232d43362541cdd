from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import User
from tasks.items import selectors as items_selectors
from tasks.models import Reminder, Task


def list_own_reminders(user: User, task: Task) -> QuerySet[Reminder]:
    """Return the user's own reminders of a task; nobody else's are shown to anyone."""
    return Reminder.objects.filter(task=task, user=user).order_by("pk")


def list_reminders(user: User, ref: str) -> QuerySet[Reminder]:
    """Return the user's own reminders of a visible task, with the task. Raises NotFound."""
    task = items_selectors.get_task(user, ref)
    return list_own_reminders(user, task).select_related("task", "user")
