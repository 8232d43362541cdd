from __future__ import annotations

from django.utils.translation import gettext_noop

from accounts.models import User
from core.errors import NotFound
from tasks.items import selectors as items_selectors
from tasks.models import Recurrence, Task

NOT_RECURRING = gettext_noop("This task doesn't repeat.")


def find_recurrence(task: Task) -> Recurrence | None:
    """Return the series whose current task this is."""
    return Recurrence.objects.filter(task=task).first() if task.is_recurring else None


def get_recurrence_of_task(user: User, ref: str) -> Recurrence:
    """Return the series of a visible task. Raises NotFound."""
    recurrence = find_recurrence(items_selectors.get_task(user, ref))
    if recurrence is None:
        raise NotFound(NOT_RECURRING)
    return recurrence
