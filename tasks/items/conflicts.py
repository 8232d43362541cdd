"""Edit conflict of a task page: two users changed the same task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from accounts.models import User
from core.errors import VersionConflict
from tasks.items import page_queries, selectors
from tasks.items.forms import TaskForm
from tasks.models import Priority, Task

# The conflict page has tokens of its own, and the present version.
EXCLUDED_FIELDS = {"csrfmiddlewaretoken", "idempotency_key", "version"}


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field with the submitted and the present value, as text."""

    label: str
    submitted: str
    current: str


@dataclass(frozen=True, slots=True)
class EditConflict:
    """The differences, and the submitted form data to send again for the present version."""

    version: int
    differences: Sequence[FieldDifference]
    form_data: Sequence[tuple[str, str]]


def describe_author(reader: User, task: Task) -> str:
    """Return who changed a task last: "you in another tab", or a name."""
    event = selectors.list_activity(task).order_by("-pk").first()
    if event is None or event.actor_id is None:
        return "someone else"
    if event.actor_id == reader.pk:
        return "you in another tab"
    return page_queries.user_names({str(event.actor_id)}).get(str(event.actor_id), "someone else")


def build_conflict(error: VersionConflict, form: TaskForm, data: QueryDict) -> EditConflict:
    """Return the conflict page's contents for the submitted form data."""
    choices = {
        str(value): str(label)
        for name in ("status", "assignees", "parent", "section")
        if name in form.fields
        for value, label in form.fields[name].choices
    }
    differences = [
        FieldDifference(
            name.replace("_", " ").capitalize(),
            _display_value(name, requested, choices),
            _display_value(name, error.current.get(name), choices),
        )
        for name, requested in error.requested.items()
        if _normalized(error.current.get(name)) != _normalized(requested)
    ]
    form_data = [(name, value) for name, values in data.lists() if name not in EXCLUDED_FIELDS for value in values]
    return EditConflict(version=error.version, differences=differences, form_data=form_data)


def _normalized(value: Any) -> Any:
    """Return a value for comparison: assignees and labels are sets, and an empty value is None."""
    return sorted(map(str, value)) if isinstance(value, list | tuple) else value or None


def _display_value(name: str, value: Any, choices: Mapping[str, str]) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_display_value(name, item, choices) for item in value) or "none"
    if value is None or value == "":
        return "none"
    if name == "priority":
        return str(Priority(value).label)
    return choices.get(str(value), str(value))
