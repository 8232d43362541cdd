"""Panel "Reminders" on the page of a task: the reader's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from tasks.models import Reminder, Task
from tasks.reminders import selectors
from tasks.reminders.forms import ReminderForm
from tasks.reminders.services import MAX_REMINDERS
from tasks.reminders.timing import describe, fire_time


@dataclass(slots=True)
class ReminderRow:
    """A reminder in words; `fires_at` is None without a due date."""

    reminder: Reminder
    description: str
    fires_at: datetime | None


@dataclass(slots=True)
class RemindersPanel:
    """The form is None where no more reminders may be added."""

    rows: list[ReminderRow]
    form: ReminderForm | None


def reminders_panel(reader: User, task: Task) -> RemindersPanel:
    """Return the reader's reminders of a task with one query."""
    rows = [
        ReminderRow(reminder, describe(reminder, reader), fire_time(reminder, task, reader))
        for reminder in selectors.list_own_reminders(reader, task)
    ]
    can_add = task.project.archived_at is None and len(rows) < MAX_REMINDERS
    return RemindersPanel(rows, ReminderForm(is_due=bool(task.due_date or task.due_at)) if can_add else None)
