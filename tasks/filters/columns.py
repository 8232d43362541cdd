"""Columns of the task table: which are shown, in which order, and the links that change it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from core.errors import Invalid
from tasks.custom_fields.values import FIELD_PREFIX

# Title and first order of each column; an empty order is none.
COLUMNS: Mapping[str, tuple[str, str]] = {
    "title": (gettext_noop("Task"), "title"),
    "status": (gettext_noop("Status"), ""),
    "priority": (gettext_noop("Priority"), "-priority"),
    "assignees": (gettext_noop("Assignee"), ""),
    "due": (gettext_noop("Due"), "due_date"),
    "updated": (gettext_noop("Updated"), "-updated_at"),
    "labels": (gettext_noop("Labels"), ""),
    "project": (gettext_noop("Project"), ""),
    "section": (gettext_noop("Section"), ""),
    "start": (gettext_noop("Start"), ""),
    "estimate": (gettext_noop("Estimate"), ""),
    "creator": (gettext_noop("Created by"), ""),
    "created": (gettext_noop("Created"), "-created_at"),
    "closed": (gettext_noop("Closed"), "-closed_at"),
}
DEFAULT_COLUMNS = ("title", "status", "priority", "assignees", "due", "updated")
MAX_COLUMNS = 12
_FIELD_COLUMN = re.compile(r"field\.[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """A column that can be chosen, with the URLs that change it.

    `toggle_url` shows or hides it, `move_url` moves it to the left.
    """

    title: str
    is_visible: bool
    toggle_url: str
    move_url: str = ""


def is_column(name: str) -> bool:
    """Return whether the name is that of a column, or of some custom field's."""
    return name in COLUMNS or bool(_FIELD_COLUMN.fullmatch(name))


def validate_columns(names: Sequence[str]) -> list[str]:
    """Return the columns with the title first; empty for the default ones. Raises Invalid."""
    if len(names) > MAX_COLUMNS:
        raise Invalid.field(
            "columns", gettext("Choose at most %(max_columns)s columns.") % {"max_columns": MAX_COLUMNS}, "too_many"
        )
    if unknown := [name for name in names if not is_column(name)]:
        raise Invalid.field(
            "columns", gettext("There is no column “%(unknown)s”.") % {"unknown": unknown[0][:50]}, "invalid_choice"
        )
    if len(set(names)) < len(names):
        raise Invalid.field("columns", gettext("Name each column once."), "duplicate")
    return _with_title(names) if names else []


def read_columns(query: QueryDict, default: Sequence[str]) -> list[str]:
    """Return the columns that a list's query string names, else the default; what is no column is left out."""
    # Bounded: a query string may be long.
    names = query.get("columns", "").split(",", MAX_COLUMNS)[:MAX_COLUMNS]
    listed = list(dict.fromkeys(name for name in names if is_column(name)))
    return _with_title(listed) if listed else list(default)


def default_columns(reader: User) -> list[str]:
    """Return the columns of a reader's lists that name none."""
    own = [name for name in reader.list_columns if is_column(name)]
    return _with_title(own) if own else list(DEFAULT_COLUMNS)


def _with_title(names: Iterable[str]) -> list[str]:
    return ["title", *(name for name in names if name != "title")]


def field_keys(columns: Iterable[str]) -> list[str]:
    """Return the keys of the custom fields among the columns."""
    return [name.removeprefix(FIELD_PREFIX) for name in columns if name.startswith(FIELD_PREFIX)]


def column_choices(columns: Sequence[str], query: QueryDict, fields: Mapping[str, str]) -> list[ColumnChoice]:
    """Return all columns, those shown first; `fields` are the names of custom fields by key."""
    titles = {name: gettext(title) for name, (title, _) in COLUMNS.items()}
    titles |= {f"{FIELD_PREFIX}{key}": name for key, name in fields.items()}
    choices = []
    for place, name in enumerate(columns[1:], start=1):
        others = [other for other in columns if other != name]
        moved = [*others[: place - 1], name, *others[place - 1 :]]
        move_url = _url(query, moved) if place > 1 else ""
        choices.append(ColumnChoice(titles.get(name, name), True, _url(query, others), move_url))
    if len(columns) < MAX_COLUMNS:
        rest = [name for name in titles if name not in columns]
        choices += [ColumnChoice(titles[name], False, _url(query, [*columns, name])) for name in rest]
    return choices


def _url(query: QueryDict, columns: Sequence[str]) -> str:
    changed = query.copy()
    changed["columns"] = ",".join(columns)
    return f"?{changed.urlencode(safe=',')}"
