from __future__ import annotations

from accounts.models import User
from core.errors import NotFound
from tasks.items import selectors as items_selectors
from tasks.models import Recurrence, Task

NOT_RECURRING = "This task doesn't repeat."


def get_recurrence(task: Task) -> Recurrence:
    """Return the series whose current task this is. Raises NotFound."""
    recurrence = Recurrence.objects.filter(task=task).first() if task.is_recurring else None
    if recurrence is None:
        raise NotFound(NOT_RECURRING)
    return recurrence


def get_recurrence_of_task(user: User, ref: str) -> Recurrence:
    """Return the series of a visible task. Raises NotFound."""
    return get_recurrence(items_selectors.get_task(user, ref))
