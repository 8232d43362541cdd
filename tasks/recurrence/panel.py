"""Panel "Repeat" on the page of a task."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef

from accounts.models import User
from core.clock import current_time
from tasks.models import Occurrence, Recurrence, Task
from tasks.recurrence.forms import CUSTOM, RecurrenceForm, initial_data, is_common
from tasks.recurrence.schedule import Series, series_of, upcoming_days
from tasks.recurrence.wording import describe


@dataclass(slots=True)
class Preview:
    """A series in words, with its next dates: days, or instants where the task has a time."""

    description: str
    time_zone: str
    days: list[tuple[date, datetime | None]]


@dataclass(slots=True)
class RecurrencePanel:
    """`following` is the current task of the series of an earlier one; `preview` is of a form that is not saved yet."""

    recurrence: Recurrence | None = None
    current: Preview | None = None
    following: Task | None = None
    form: RecurrenceForm | None = None
    preview: Preview | None = field(default=None)


def recurrence_panel(reader: User, task: Task) -> RecurrencePanel:
    """Return the panel of a task with one query."""
    related = Occurrence.objects.select_related("recurrence__task__project").defer(
        "recurrence__task__search", "recurrence__task__description", "recurrence__task__description_html"
    )
    # The series may go on in another project, and a guest sees single tasks.
    following = Task.objects.visible_to(reader).filter(pk=OuterRef("recurrence__task"))
    occurrence = related.filter(task=task).annotate(shows_following=Exists(following)).first()
    panel = RecurrencePanel()
    if occurrence and occurrence.recurrence.task_id == task.pk:
        panel.recurrence = occurrence.recurrence
        series = series_of(panel.recurrence)
        number = panel.recurrence.number - panel.recurrence.first_number + 1
        panel.current = make_preview(series, after=panel.recurrence.occurs_on, number=number)
    elif occurrence and occurrence.shows_following:
        panel.following = occurrence.recurrence.task
    if starts_on := first_day(reader, task):
        panel.form = RecurrenceForm(initial=_initial(panel.recurrence, starts_on), starts_on=starts_on)
    return panel


def first_day(reader: User, task: Task) -> date | None:
    """Return the day on which the task is due for the reader."""
    return task.due_at.astimezone(ZoneInfo(reader.time_zone)).date() if task.due_at else task.due_date


def make_preview(series: Series, *, after: date, number: int) -> Preview:
    """Return a series in words and dates."""
    days = upcoming_days(series, after=after, number=number, now=current_time())
    is_timed = series.time_of_day is not None
    return Preview(
        describe(series), series.time_zone, [(day, series.instant(day) if is_timed else None) for day in days]
    )


def _initial(recurrence: Recurrence | None, starts_on: date) -> dict[str, object]:
    if recurrence is None:
        return {}
    rule = series_of(recurrence).rule
    initial = initial_data(rule, recurrence.mode)
    return initial if is_common(rule, starts_on) else initial | {"frequency": CUSTOM, "ends": "never"}
