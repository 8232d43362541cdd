"""Suggestions while somebody types: names and values of a filter, and tasks by key or words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.api.fields import UUID_PATTERN
from core.errors import Invalid
from core.text import truncate
from tasks.custom_fields.values import FIELD_PREFIX
from tasks.filters.syntax_tree import NAME_PATTERN, RANGE, quote_if_needed
from tasks.filters.terms import FLAGS, HAS_NAMES, NAMES, STATES
from tasks.filters.values import DAY_NAMES
from tasks.models import CustomField, CustomFieldOption, FieldKind, Label, Project, ProjectMember, State, Task
from tasks.models.custom_field import OPTION_KINDS
from tasks.models.task import PRIORITY_NAMES, TASK_KEY_PATTERN
from tasks.palette.selectors import find_tasks

MAX_SUGGESTIONS = 12
MAX_TASKS = 8
NAME_LABELS = {
    "state": _("Open, closed or a category"),
    "status": _("Step of the workflow"),
    "priority": _("Priority"),
    "assignee": _("Person responsible"),
    "creator": _("Person who created it"),
    "label": _("Label"),
    "project": _("Project"),
    "parent": _("Parent task"),
    "due": _("Due date"),
    "start": _("Start date"),
    "created": _("Day of creation"),
    "updated": _("Day of the last change"),
    "closed": _("Day of completion"),
    "estimate": _("Estimate in minutes"),
    "has": _("Has a value"),
    "is": _("Open, closed, overdue or archived"),
}
DAYS = ("none", *DAY_NAMES)
FIXED_VALUES = {
    "state": tuple(STATES),
    "priority": PRIORITY_NAMES,
    "due": DAYS,
    "start": DAYS,
    "created": DAY_NAMES,
    "updated": DAY_NAMES,
    "closed": DAY_NAMES,
    "estimate": ("none",),
    "has": HAS_NAMES,
    "is": tuple(FLAGS),
}
_KEY_PATTERN = re.compile(r"([A-Za-z][A-Za-z0-9]{0,9})-([0-9]{0,9})\Z")
# A number of up to nine digits: those that begin with what was typed are this many ranges.
_MAX_DIGITS = 9


class Suggestion(NamedTuple):
    """A text that replaces what was typed from `start` on, and what it stands for."""

    text: str
    label: str
    start: int


def suggest_filter(user: User, text: str, *, now: datetime) -> list[Suggestion]:
    """Return what may follow the text of a filter up to the cursor; values are those that the user sees."""
    start = _start_of_term(text)
    named = NAME_PATTERN.match(text, start)
    if not named:
        return _suggest_names(user, text[start:].lower(), start)
    name, value_start = named[1].lower(), _start_of_value(text, named.end())
    typed = text[value_start:].removeprefix('"').lower()
    values = [
        Suggestion(quote_if_needed(value), label, value_start)
        for value, label in _values(user, name, typed, now)
        if value.lower() != typed
    ]
    return values[:MAX_SUGGESTIONS]


def suggest_tasks(user: User, text: str, *, now: datetime) -> list[Suggestion]:
    """Return visible tasks whose key begins with a text, or that have its words; the last changed first."""
    if not (key := _KEY_PATTERN.match(text.strip())):
        rows: Iterable[Task] = find_tasks(user, text, now=now) if text.strip() else ()
    else:
        numbers, first = Q(), int(key[2] or 0)
        for power in range(_MAX_DIGITS - len(key[2]) if first else 0):
            numbers |= Q(number__gte=first * 10**power, number__lt=(first + 1) * 10**power)
        visible = Task.objects.visible_to(user).filter(numbers, project__key=key[1].upper()).select_related("project")
        rows = visible.only("number", "title", "project__key").order_by("-updated_at", "-pk")
        rows = rows[:MAX_TASKS]
    return [Suggestion(task.key, task.title, 0) for task in rows]


def find_single_task(user: User, text: str, *, now: datetime) -> str:
    """Return a key or id as it is, for words the only task's key. Raises Invalid."""
    if TASK_KEY_PATTERN.match(text) or UUID_PATTERN.match(text):
        return text
    tasks = suggest_tasks(user, text, now=now)
    if len(tasks) == 1:
        return tasks[0].text
    if not tasks:
        raise Invalid.field("task", gettext("There is no such task."), "does_not_exist")
    names = ", ".join(f"{task.text} {truncate(task.label, 60)}" for task in tasks[:3])
    message = f"Several tasks have these words. Enter one of their keys: {names}{' …' if len(tasks) > 3 else '.'}"
    raise Invalid.field("task", message, "ambiguous")


def _start_of_term(text: str) -> int:
    start, is_quoted, is_escaped = 0, False, False
    for place, char in enumerate(text):  # at most the length of a filter
        if is_escaped or char == "\\":
            is_escaped = not is_escaped
        elif char == '"':
            is_quoted = not is_quoted
        elif not is_quoted and (char.isspace() or char == "("):
            start = place + 1
    return start + len(text[start:]) - len(text[start:].lstrip("-"))


def _start_of_value(text: str, start: int) -> int:
    first, is_quoted = start, False
    for place in range(first, len(text)):
        if text[place] == '"':
            is_quoted = not is_quoted
        elif not is_quoted and text[place] == ",":
            start = place + 1
        elif not is_quoted and text.startswith(RANGE, place):
            start = place + len(RANGE)
    return start


def _suggest_names(user: User, typed: str, start: int) -> list[Suggestion]:
    suggestions = [Suggestion(f"{name}:", str(NAME_LABELS[name]), start) for name in NAMES if name.startswith(typed)]
    if len(suggestions) < MAX_SUGGESTIONS or typed.startswith(FIELD_PREFIX):
        part = typed.removeprefix(FIELD_PREFIX)
        if FIELD_PREFIX.startswith(typed) or typed.startswith(FIELD_PREFIX):
            key = part if typed.startswith(FIELD_PREFIX) else ""
            fields = CustomField.objects.visible_to(user).filter(archived_at=None, key__startswith=key)
            rows = fields.order_by("key").values_list("key", "name").distinct()[:MAX_SUGGESTIONS]
            suggestions += [Suggestion(f"{FIELD_PREFIX}{key}:", name, start) for key, name in rows]
    return suggestions[: max(MAX_SUGGESTIONS, len(NAMES))]


def _values(user: User, name: str, typed: str, now: datetime) -> list[tuple[str, str]]:
    """Return values and labels of a term that begin with a text; one query for those of the workspace."""
    if name in FIXED_VALUES:
        return [(value, "") for value in FIXED_VALUES[name] if value.startswith((typed, f"@{typed}"))]
    projects = Project.objects.visible_to(user).current()
    match name:
        case "assignee" | "creator":
            return _people(user, typed, [("@me", ""), *([("none", "")] if name == "assignee" else [])])
        case "project":
            rows = projects.filter(Q(key__istartswith=typed) | Q(name__icontains=typed)).order_by("key")
            return list(rows.values_list("key", "name")[:MAX_SUGGESTIONS])
        case "label":
            labels = Label.objects.filter(project__in=projects.values("pk"), name__istartswith=typed).order_by("name")
            return [(label, "") for label in labels.values_list("name", flat=True).distinct()[:MAX_SUGGESTIONS]]
        case "status":
            of_projects = State.objects.filter(project__in=projects.values("pk"))
            states = of_projects.filter(Q(slug__istartswith=typed) | Q(name__istartswith=typed)).order_by("slug")
            # One slug may have other names in other projects.
            return list(dict(states.values_list("slug", "name").distinct()[:MAX_SUGGESTIONS]).items())
        case "parent":
            return [(task.text, task.label) for task in suggest_tasks(user, typed, now=now)] or [("none", "")]
    if name.startswith(FIELD_PREFIX):
        return _field_values(user, name.removeprefix(FIELD_PREFIX), typed)
    return []


def _people(user: User, typed: str, fixed: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return members of the projects in which the user is a member: a guest learns of nobody."""
    here = ProjectMember.objects.filter(project__in=ProjectMember.objects.filter(user=user).values("project"))
    handle = typed.removeprefix("@")
    people = User.objects.active().filter(Q(handle__istartswith=handle) | Q(name__icontains=handle))
    people = people.filter(pk__in=here.values("user")).order_by("name", "pk")
    begun = [(value, label) for value, label in fixed if value.removeprefix("@").startswith(handle)]
    rows = people.values_list("handle", "name")[:MAX_SUGGESTIONS]
    return [*begun, *((f"@{handle}", name) for handle, name in rows)]


def _field_values(user: User, key: str, typed: str) -> list[tuple[str, str]]:
    fields = CustomField.objects.visible_to(user).filter(key=key, archived_at=None)
    kinds = set(fields.values_list("kind", flat=True))
    values: list[tuple[str, str]] = []
    if kinds & set(OPTION_KINDS):
        options = CustomFieldOption.objects.filter(field__in=fields.values("pk"))
        options = options.filter(Q(slug__istartswith=typed) | Q(name__istartswith=typed)).order_by("position")
        values += dict(options.values_list("slug", "name")[:MAX_SUGGESTIONS]).items()
    if FieldKind.USER in kinds:
        values += _people(user, typed, [("@me", "")])
    fixed = ["none", *(["yes", "no"] if FieldKind.CHECKBOX in kinds else [])]
    fixed += DAY_NAMES if FieldKind.DATE in kinds else ()
    return [*values, *((value, "") for value in fixed if value.startswith((typed, f"@{typed}")))]
