"""Two people changed one task: what each of them wanted, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from core.errors import VersionConflict
from tasks.items.forms import TaskForm
from tasks.models import Priority

EXCLUDED_FIELDS = {"csrfmiddlewaretoken", "version"}


@dataclass(frozen=True, slots=True)
class FieldDifference:
    label: str
    submitted: str
    current: str


@dataclass(frozen=True, slots=True)
class EditConflict:
    """What differs, and the form as it was sent, to be sent again upon the present version."""

    version: int
    differences: Sequence[FieldDifference]
    form_data: Sequence[tuple[str, str]]


def build_conflict(stale: VersionConflict, form: TaskForm, sent: QueryDict) -> EditConflict:
    choices = _choices(form)
    differing = [
        name for name, mine in stale.requested.items() if _normalized(stale.current.get(name)) != _normalized(mine)
    ]
    return EditConflict(
        version=stale.version,
        differences=[
            FieldDifference(
                name.replace("_", " ").capitalize(),
                _display_value(name, stale.requested[name], choices),
                _display_value(name, stale.current.get(name), choices),
            )
            for name in differing
        ],
        form_data=[(name, value) for name, values in sent.lists() if name not in EXCLUDED_FIELDS for value in values],
    )


def _choices(form: TaskForm) -> Mapping[str, str]:
    fields = ("status", "assignees", "parent")
    return {
        str(value): str(words) for name in fields if name in form.fields for value, words in form.fields[name].choices
    }


def _normalized(value: Any) -> Any:
    """Lists of people and labels are sets: their order says nothing."""
    return sorted(map(str, value)) if isinstance(value, list | tuple) else value or None


def _display_value(name: str, value: Any, choices: Mapping[str, str]) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_display_value(name, one, choices) for one in value) or "none"
    if value is None or value == "":
        return "none"
    if name == "priority":
        return str(Priority(value).label)
    return choices.get(str(value), str(value))
