"""Filter form of the task list, and links that change one filter or the order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from core.forms import PageForm
from tasks.custom_fields.values import FIELD_PREFIX
from tasks.filters.columns import COLUMNS
from tasks.filters.selectors import FilterChoices, TaskFilters
from tasks.models import Priority, Project
from tasks.models.search import MAX_SEARCH_LENGTH, validate_search

OPEN_CHOICE = "open"
CATEGORY_CHOICES = [
    (OPEN_CHOICE, gettext_lazy("Open")),
    ("all", gettext_lazy("All")),
    ("todo", gettext_lazy("To do")),
    ("in_progress", gettext_lazy("In progress")),
    ("done", gettext_lazy("Done")),
    ("cancelled", gettext_lazy("Cancelled")),
]
DUE_CHOICES = [
    ("", gettext_lazy("Any date")),
    ("overdue", gettext_lazy("Overdue")),
    ("today", gettext_lazy("Today")),
    ("this_week", gettext_lazy("This week")),
    ("week", gettext_lazy("Next 7 days")),
]
WEEKDAYS = {"monday": 0, "saturday": 5, "sunday": 6}
PRIORITY_CHOICES = [("", gettext_lazy("Any")), *((str(value), label) for value, label in reversed(Priority.choices))]
ORDERING_CHOICES = [
    ("-updated_at", gettext_lazy("Recently updated")),
    ("-created_at", gettext_lazy("Newest")),
    ("created_at", gettext_lazy("Oldest")),
    ("due_date", gettext_lazy("Due date (earliest)")),
    ("-due_date", gettext_lazy("Due date (latest)")),
    ("-priority", gettext_lazy("Priority (highest)")),
    ("priority", gettext_lazy("Priority (lowest)")),
    ("title", gettext_lazy("Title A to Z")),
    ("-title", gettext_lazy("Title Z to A")),
    ("updated_at", gettext_lazy("Least recently updated")),
    ("-closed_at", gettext_lazy("Recently closed")),
]
DEFAULT_ORDERING = "-updated_at"
# Of more people a page would consist of their names.
MAX_LISTED_PEOPLE = 100


def _select(default: str) -> forms.Select:
    """Return a drop-down whose default is left out of the URL."""
    return forms.Select(attrs={"data-default": default})


class FilterForm(PageForm):
    """Filters and order of the task list, all of them in the URL."""

    search = forms.CharField(
        required=False,
        max_length=MAX_SEARCH_LENGTH,
        validators=[validate_search],
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    category = forms.ChoiceField(
        label=gettext_lazy("Status"), required=False, choices=CATEGORY_CHOICES, widget=_select(OPEN_CHOICE)
    )
    project = forms.ChoiceField(required=False)
    assignee = forms.ChoiceField(label=gettext_lazy("Assignee"), required=False)
    priority = forms.ChoiceField(required=False, choices=PRIORITY_CHOICES)
    label = forms.ChoiceField(required=False)
    due = forms.ChoiceField(required=False, choices=DUE_CHOICES)
    ordering = forms.ChoiceField(
        label=gettext_lazy("Sort"), required=False, choices=ORDERING_CHOICES, widget=_select(DEFAULT_ORDERING)
    )
    created_from = forms.DateField(required=False, widget=forms.HiddenInput)
    closed_from = forms.DateField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, *, choices: FilterChoices, has_text: bool = False) -> None:
        # Always bound: a list without parameters has filters too, the defaults.
        values = {name: data.get(name, "") for name in self.base_fields}
        # A filter text says all, so beside it every choice stands in the URL.
        self.default_category = "all" if has_text else OPEN_CHOICE
        values["category"] = values["category"] or self.default_category
        values["ordering"] = values["ordering"] or DEFAULT_ORDERING
        super().__init__(values, auto_id="filter_%s")
        if has_text:
            del self.fields["category"].widget.attrs["data-default"]
        people = [(str(user.pk), user.name) for user in choices.people]
        self.fields["project"].choices = [
            ("", gettext("Any")),
            *((project.key, project.name) for project in choices.projects),
        ]
        self.fields["assignee"].choices = [
            ("", gettext("Anyone")),
            ("me", gettext("Me")),
            ("none", gettext("Unassigned")),
            *people,
        ]
        if len(people) > MAX_LISTED_PEOPLE:
            self._list_people_later(values["assignee"], choices.project)
        self.fields["label"].choices = [("", gettext("Any")), *((name, name) for name in choices.labels)]

    def _list_people_later(self, chosen: str, project: Project | None) -> None:
        """Leave all names but the chosen one to forms.js, which loads them on use."""
        query = f"?project={project.key}" if project else ""
        field = self.fields["assignee"]
        field.widget.attrs["data-options-url"] = reverse("filter-people") + query
        field.widget.choices = [choice for choice in field.choices if choice[0] in {"", "me", "none", chosen}]

    def visible_filters(self) -> Iterator[forms.BoundField]:
        """The fields that are shown as drop-downs."""
        return (self[name] for name in ("category", "project", "assignee", "priority", "label", "due", "ordering"))

    def hidden_values(self) -> list[forms.BoundField]:
        """The values beside a filter text that it does not say, as hidden fields."""
        fields = [self[name] for name in ("ordering", "created_from", "closed_from")]
        for field in fields:
            field.field.widget = forms.HiddenInput()
        return [
            field for field in fields if field.value() and (field.name, field.value()) != ("ordering", DEFAULT_ORDERING)
        ]

    def filters(self, *, now: datetime, today: date, zone: str = "UTC", week_start: str = "monday") -> TaskFilters:
        """Return the filters; an invalid value filters nothing, and the page shows its error."""
        # Invalid values are missing from the cleaned data, so each is read with a default.
        self.is_valid()
        data: dict[str, Any] = self.cleaned_data
        due = data.get("due")
        # This week ends the day before the user's next one begins.
        days_left = (WEEKDAYS[week_start] - today.weekday() - 1) % 7
        days = {"today": 0, "this_week": days_left, "week": 7}.get(due or "")
        category = data.get("category", OPEN_CHOICE)
        return TaskFilters(
            now=now,
            today=today,
            zone=zone,
            search=data.get("search", ""),
            project=data.get("project", ""),
            category={OPEN_CHOICE: ["todo", "in_progress"], "all": []}.get(category, [category]),
            assignee=[data["assignee"]] if data.get("assignee") else [],
            priority=[int(data["priority"])] if data.get("priority") else [],
            label=[data[gettext("label")]] if data.get("label") else [],
            overdue=True if due == "overdue" else None,
            due_after=today if due in {"today", "this_week", "week"} else None,
            due_before=None if days is None else today + timedelta(days=days),
        )

    @property
    def order(self) -> str:
        """The order of the list; call `filters` or `is_valid` first."""
        return str(self.cleaned_data.get("ordering") or DEFAULT_ORDERING)


@dataclass(frozen=True, slots=True)
class FilterChip:
    """An active filter, and the URL of the list without it."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Column:
    """Head of a table column; `url` is empty where the column does not sort."""

    title: str
    url: str
    aria_sort: str
    name: str = ""


def active_chips(form: FilterForm, query: QueryDict) -> list[FilterChip]:
    """Return the filters in use, each with the URL of the list without it."""
    data = form.cleaned_data
    texts: dict[str, str] = {}
    if data.get("search"):
        texts["search"] = f"“{data['search']}”"
    if data.get("category", form.default_category) != form.default_category:
        texts["category"] = dict(CATEGORY_CHOICES)[data["category"]]
    for name in ("project", "assignee", "priority", "label", "due"):
        # A project's page has the project in its path, where it can't be removed.
        if data.get(name) and (name != "project" or name in query):
            value = dict(form.fields[name].choices)[data[name]]
            texts[name] = f"{form.fields[name].label or name.capitalize()}: {value}"
    for name, verb in (("created_from", "Created"), ("closed_from", "Closed")):
        if data.get(name):
            texts[name] = f"{verb} since {data[name]:%-d %b %Y}"
    # Beside a filter text the category has no default that could be left out.
    urls = {"category": url_with(query, "category", "all")} if form.default_category == "all" else {}
    return [FilterChip(text, urls.get(name) or url_without(query, name)) for name, text in texts.items()]


def table_columns(
    ordering: str, query: QueryDict, names: Sequence[str], fields: Mapping[str, str] = {}
) -> list[Column]:
    """Return the table head; a sortable column links to its order, and then to the reverse.

    `fields` are the names of custom fields by key.
    """
    columns = []
    for column_name in names:
        key = column_name.removeprefix(FIELD_PREFIX)
        title, first = COLUMNS.get(column_name, ("", ""))
        title = gettext(title) if title else fields.get(key, key)
        name = first.lstrip("-")
        if not name:
            column = Column(title, "", "", column_name)
        elif ordering.lstrip("-") != name:
            column = Column(title, url_with(query, "ordering", first), "", column_name)
        elif ordering.startswith("-"):
            column = Column(title, url_with(query, "ordering", name), "descending", column_name)
        elif f"-{name}" in dict(ORDERING_CHOICES):
            column = Column(title, url_with(query, "ordering", f"-{name}"), "ascending", column_name)
        else:
            column = Column(title, "", "ascending", column_name)
        columns.append(column)
    return columns


def url_without(query: QueryDict, name: str) -> str:
    """Return the URL of the list without a parameter, from its first page."""
    return _link(query, drop=(name, "cursor", "page"))


def url_with(query: QueryDict, name: str, value: str) -> str:
    """Return the URL of the list with this value of a parameter. It begins at the first page."""
    # A cursor holds for one order and one set of filters.
    return _link(query, drop=("cursor", "page"), **{name: value})


def _link(query: QueryDict, *, drop: Sequence[str], **values: str) -> str:
    changed = query.copy()
    for name in drop:
        changed.pop(name, None)
    for name, value in values.items():
        changed[name] = value
    return f"?{changed.urlencode()}"
