"""Two people changed one task: what each of them wanted, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from core.errors import Stale
from tasks.forms import TaskForm
from tasks.models import Priority

NOT_SENT_AGAIN = {"csrfmiddlewaretoken", "version"}


@dataclass(frozen=True, slots=True)
class Difference:
    label: str
    mine: str
    theirs: str


@dataclass(frozen=True, slots=True)
class ConflictView:
    """What differs, and the form as it was sent, to be sent again upon the present version."""

    version: int
    differences: Sequence[Difference]
    sent: Sequence[tuple[str, str]]


def conflict(stale: Stale, form: TaskForm, sent: QueryDict) -> ConflictView:
    choices = _choices(form)
    differing = [name for name, mine in stale.wanted.items() if _same(stale.current.get(name)) != _same(mine)]
    return ConflictView(
        version=stale.version,
        differences=[
            Difference(
                name.replace("_", " ").capitalize(),
                _words(name, stale.wanted[name], choices),
                _words(name, stale.current.get(name), choices),
            )
            for name in differing
        ],
        sent=[(name, value) for name, values in sent.lists() if name not in NOT_SENT_AGAIN for value in values],
    )


def _choices(form: TaskForm) -> Mapping[str, str]:
    fields = ("status", "assignees", "parent")
    return {
        str(value): str(words) for name in fields if name in form.fields for value, words in form.fields[name].choices
    }


def _same(value: Any) -> Any:
    """Lists of people and labels are sets: their order says nothing."""
    return sorted(map(str, value)) if isinstance(value, list | tuple) else value or None


def _words(name: str, value: Any, choices: Mapping[str, str]) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_words(name, one, choices) for one in value) or "none"
    if value is None or value == "":
        return "none"
    if name == "priority":
        return str(Priority(value).label)
    return choices.get(str(value), str(value))
