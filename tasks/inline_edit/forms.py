"""Forms of single fields of a task, edited where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext

from core.errors import NotFound
from tasks.items.conflicts import EditConflict
from tasks.items.forms import TaskForm, initial_data
from tasks.members import selectors as members_selectors
from tasks.models import Task
from tasks.projects import selectors as projects_selectors
from tasks.sections.selectors import list_sections

# The cells, and the fields of the task's form that each one edits.
CELLS: Mapping[str, Sequence[str]] = {
    "title": ("title",),
    "description": ("description",),
    "status": ("status",),
    "priority": ("priority",),
    "assignees": ("assignees",),
    "labels": ("labels",),
    "start": ("start_date",),
    "due": ("due_date", "due_time"),
    "estimate": ("estimate",),
    "section": ("section",),
}
# Selects that are saved as soon as another option is chosen.
SELECTS = {"status", "priority", "section"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A field in its form, with the conflict of the last attempt to save it."""

    name: str
    form: TaskForm
    version: int
    conflict: EditConflict | None = None
    author: str = ""

    @property
    def label(self) -> str:
        return self.name.capitalize()


def cell_form(task: Task, name: str, data: QueryDict | None = None) -> TaskForm:
    """Return the form of one cell. Raises NotFound for a cell that there isn't."""
    if name not in CELLS:
        raise NotFound(gettext("A task has no such field."))
    form = TaskForm(
        data,
        # Only what this cell offers is read.
        people=members_selectors.assignable_users(task.project) if name == "assignees" else (),
        states=list(projects_selectors.list_states(task.project)) if name == "status" else (),
        sections=list(list_sections(task.project)) if name == "section" else (),
        initial=initial_data(task),
        # Several cells may be open at once, beside the form of the whole task.
        auto_id=f"{name}-{task.key}-%s",
    )
    for other in form.fields.keys() - set(CELLS[name]):
        del form.fields[other]
    if name in SELECTS:
        form.fields[name].widget.attrs |= {"data-submit": True, "autocomplete": "off"}
    return form
