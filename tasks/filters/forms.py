"""The address of a task list, read and written: filters, sort order, and the links that change one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.http import QueryDict

from core.forms import PageForm
from tasks.filters.selectors import FilterChoices, TaskFilters
from tasks.models import Priority

OPEN_CHOICE = "open"
CATEGORY_CHOICES = [
    (OPEN_CHOICE, "Open"),
    ("all", "All"),
    ("todo", "To do"),
    ("in_progress", "In progress"),
    ("done", "Done"),
    ("cancelled", "Cancelled"),
]
DUE_CHOICES = [
    ("", "Any time"),
    ("overdue", "Overdue"),
    ("today", "Today"),
    ("this_week", "This week"),
    ("week", "Next 7 days"),
]
WEEKDAYS = {"monday": 0, "saturday": 5, "sunday": 6}
PRIORITY_CHOICES = [("", "Any"), *((str(value), label) for value, label in reversed(Priority.choices))]
TABLE_COLUMNS = [
    ("title", "Task", "title"),
    ("", "Status", ""),
    ("priority", "Priority", "-priority"),
    ("", "Assigned to", ""),
    ("due_date", "Due", "due_date"),
    ("updated_at", "Updated", "-updated_at"),
]
ORDERING_CHOICES = [
    ("-updated_at", "Recently updated"),
    ("-created_at", "Newest"),
    ("created_at", "Oldest"),
    ("due_date", "Due first"),
    ("-due_date", "Due last"),
    ("-priority", "Most urgent"),
    ("priority", "Least urgent"),
    ("title", "Title A to Z"),
    ("-title", "Title Z to A"),
    ("updated_at", "Longest untouched"),
    ("-closed_at", "Recently closed"),
]
DEFAULT_ORDERING = "-updated_at"


def _select(usual: str) -> forms.Select:
    """A drop-down whose usual choice need not stand in the address."""
    return forms.Select(attrs={"data-default": usual})


class FilterForm(PageForm):
    search = forms.CharField(required=False, max_length=200, widget=forms.TextInput(attrs={"type": "search"}))
    category = forms.ChoiceField(label="Status", required=False, choices=CATEGORY_CHOICES, widget=_select(OPEN_CHOICE))
    project = forms.ChoiceField(required=False)
    assignee = forms.ChoiceField(label="Assigned to", required=False)
    priority = forms.ChoiceField(required=False, choices=PRIORITY_CHOICES)
    label = forms.ChoiceField(required=False)
    due = forms.ChoiceField(required=False, choices=DUE_CHOICES)
    ordering = forms.ChoiceField(
        label="Sort", required=False, choices=ORDERING_CHOICES, widget=_select(DEFAULT_ORDERING)
    )
    created_from = forms.DateField(required=False, widget=forms.HiddenInput)
    closed_from = forms.DateField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, *, choices: FilterChoices) -> None:
        sent = {name: data.get(name, "") for name in self.base_fields}
        sent["category"] = sent["category"] or OPEN_CHOICE
        sent["ordering"] = sent["ordering"] or DEFAULT_ORDERING
        super().__init__(sent, auto_id="filter_%s")
        people = [(str(user.pk), user.name) for user in choices.people]
        self.fields["project"].choices = [("", "Any"), *((one.key, one.name) for one in choices.projects)]
        self.fields["assignee"].choices = [("", "Anybody"), ("me", "Me"), ("none", "Nobody"), *people]
        self.fields["label"].choices = [("", "Any"), *((name, name) for name in choices.labels)]

    def visible_filters(self) -> Iterator[forms.BoundField]:
        """The fields drawn as drop-downs; a list bound to one project does not ask for it."""
        return (self[name] for name in ("category", "project", "assignee", "priority", "label", "due", "ordering"))

    def filters(self, *, now: datetime, today: date, week_start: str = "monday") -> TaskFilters:
        """What was asked for; a value that is not offered narrows nothing, and the page says so."""
        self.is_valid()
        asked: dict[str, Any] = self.cleaned_data
        due = asked.get("due")
        return TaskFilters(
            now=now,
            today=today,
            search=asked.get("search", ""),
            project=asked.get("project", ""),
            category=_categories(asked.get("category", OPEN_CHOICE)),
            assignee=[asked["assignee"]] if asked.get("assignee") else [],
            priority=[int(asked["priority"])] if asked.get("priority") else [],
            label=[asked["label"]] if asked.get("label") else [],
            overdue=True if due == "overdue" else None,
            due_after=today if due in {"today", "this_week", "week"} else None,
            due_before=_last_day(due, today, week_start),
        )

    @property
    def order(self) -> str:
        return str(self.cleaned_data.get("ordering") or DEFAULT_ORDERING)


def _last_day(due: str | None, today: date, week_start: str) -> date | None:
    """This week ends where the person's next one begins."""
    rest = (WEEKDAYS[week_start] - today.weekday() - 1) % 7
    days = {"today": 0, "this_week": rest, "week": 7}.get(due or "")
    return None if days is None else today + timedelta(days=days)


def _categories(category: str) -> list[str]:
    return {OPEN_CHOICE: ["todo", "in_progress"], "all": []}.get(category, [category])


@dataclass(frozen=True, slots=True)
class FilterChip:
    """One filter in use, and the address of the list without it."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    url: str
    aria_sort: str


def active_chips(form: FilterForm, address: QueryDict) -> list[FilterChip]:
    return [FilterChip(text, url_without(address, name)) for name, text in _in_use(form)]


def _in_use(form: FilterForm) -> Iterator[tuple[str, str]]:
    asked = form.cleaned_data
    if asked.get("search"):
        yield "search", f"“{asked['search']}”"
    if asked.get("category", OPEN_CHOICE) != OPEN_CHOICE:
        yield "category", dict(CATEGORY_CHOICES)[asked["category"]]
    for name in ("project", "assignee", "priority", "label", "due"):
        if asked.get(name):
            text = dict(form.fields[name].choices)[asked[name]]
            yield name, f"{form.fields[name].label or name.capitalize()}: {text}"
    for name, verb in (("created_from", "Created"), ("closed_from", "Closed")):
        if asked.get(name):
            yield name, f"{verb} since {asked[name]:%-d %b %Y}"


def table_columns(ordering: str, address: QueryDict) -> list[Column]:
    """The head of the table: a sortable column leads to its own order, and back."""
    return [_column(name, title, first, ordering, address) for name, title, first in TABLE_COLUMNS]


def _column(name: str, title: str, first: str, ordering: str, address: QueryDict) -> Column:
    if not name:
        return Column(title, "", "")
    if ordering.lstrip("-") != name:
        return Column(title, url_with(address, "ordering", first), "")
    other = name if ordering.startswith("-") else f"-{name}"
    return Column(
        title, url_with(address, "ordering", other), "descending" if ordering.startswith("-") else "ascending"
    )


def url_without(address: QueryDict, name: str) -> str:
    return _link(address, drop=(name, "cursor"))


def url_with(address: QueryDict, name: str, value: str) -> str:
    return _link(address, drop=("cursor",), **{name: value})


def _link(address: QueryDict, *, drop: Sequence[str], **values: str) -> str:
    changed = address.copy()
    for name in drop:
        changed.pop(name, None)
    for name, value in values.items():
        changed[name] = value
    return f"?{changed.urlencode()}"
