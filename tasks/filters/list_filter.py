"""Filter of the task list's page: one text, and the controls that show as much of it as they can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone

from accounts.models import User
from core.errors import FieldError, Invalid
from core.forms import parse_uuid
from core.time_zones import sql_time_zone
from tasks.filters import compiler, grammar
from tasks.filters import selectors as filters_selectors
from tasks.filters.columns import default_columns, read_columns
from tasks.filters.forms import (
    DEFAULT_ORDERING,
    OPEN_CHOICE,
    FilterChip,
    FilterForm,
    active_chips,
    url_with,
    url_without,
)
from tasks.filters.selectors import FilterChoices, TaskFilters
from tasks.filters.syntax_tree import RANGE, And, Node, Term, Text, Value, conjunction, conjuncts, to_text
from tasks.models import Project, SavedFilter
from tasks.models.task import PRIORITY_NAMES
from tasks.saved_filters import selectors as saved_filters_selectors


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFilter:
    """The filter of one request, and what the page shows of it.

    `rest` is the text that no control says, `query` the query string of links that change one filter.
    """

    form: FilterForm
    filters: TaskFilters
    text: str
    rest: str
    query: QueryDict
    chips: list[FilterChip]
    # Of the reader's lists.
    default_columns: list[str]
    error: FieldError | None = None
    saved_filter: SavedFilter | None = None
    # The saved filter that a changed list came from: `saved_filter`, or the one of the parameter `view`.
    view: SavedFilter | None = None

    @property
    def columns(self) -> list[str]:
        """Columns of the list."""
        return read_columns(self.query, self.default_columns)

    @property
    def since(self) -> dict[str, date | None]:
        """Days since which tasks were created or closed."""
        return {name: self.form.cleaned_data.get(name) for name in ("created_from", "closed_from")}

    @property
    def save_query(self) -> str:
        """Query string of the page that saves this filter."""
        names = {"ordering": "ordering", "group": "grouping", "columns": "columns"}
        options = {field: self.query[name] for name, field in names.items() if self.query.get(name)}
        return urlencode({"filter": self.text, **options}, safe=",")

    @property
    def display_values(self) -> list[tuple[str, str]]:
        """Parameters that say how the list is shown, and which saved filter it came from."""
        return [(name, str(self.query[name])) for name in ("view", "group", "columns") if self.query.get(name)]

    @property
    def is_changed(self) -> bool:
        """Whether the list differs from the saved filter that it came from."""
        if self.view is None or self.error:
            return False
        saved = (
            set(conjuncts(grammar.parse(self.view.filter))),
            self.view.ordering or DEFAULT_ORDERING,
            self.view.grouping,
            self.view.columns or self.default_columns,
        )
        current = set(conjuncts(grammar.parse(self.text)))
        return saved != (current, self.form.order, self.query.get("group", ""), self.columns)


def read_filter(reader: User, query: QueryDict, *, now: datetime, project: Project | None = None) -> ListFilter:
    """Return the filter of a query string: its `filter` or `saved_filter`, and the controls.

    A text that means nothing filters nothing; the page shows its error instead of tasks.
    """
    choices = filters_selectors.filter_choices(reader, project)
    saved_filter, error = None, None
    text = query.get("filter", "").strip()
    if not text and (filter_id := parse_uuid(query.get("saved_filter", ""))):
        saved_filter = saved_filters_selectors.get_saved_filter(reader, filter_id)
        text = saved_filter.filter
    try:
        tree = grammar.parse(text)
    except Invalid as invalid:
        tree, error = And(()), invalid.fields[0]
    view = saved_filter
    if not view and (view_id := parse_uuid(query.get("view", ""))):
        view = saved_filters_selectors.list_saved_filters(reader).filter(pk=view_id).first()
    address = query.copy()
    if saved_filter:
        # What the links of the list change is written out in them, and they name the filter that is changed.
        address["view"] = str(saved_filter.pk)
        columns = ",".join(saved_filter.columns)
        for name, value in (
            ("ordering", saved_filter.ordering),
            ("group", saved_filter.grouping),
            ("columns", columns),
        ):
            if value and name not in address:
                address[name] = value
    if project:
        address["project"] = project.key
    rest = _move_to_controls(tree, address, choices) if text and not error else []
    form = FilterForm(address, choices=choices, has_text=bool(text))
    today = timezone.localdate(now)
    filters = form.filters(now=now, today=today, zone=sql_time_zone(reader.time_zone), week_start=reader.week_start)
    try:
        filters = compiler.compile_filter(conjunction(tuple(rest)), reader, filters)
    except Invalid as invalid:
        error = invalid.fields[0]
    if project:
        del address["project"]
    links = address if text else query
    return ListFilter(
        form=form,
        filters=filters,
        text=text if error else to_text(conjunction((*_control_nodes(form, choices), *rest))),
        rest=to_text(conjunction(tuple(rest))),
        query=links,
        chips=[*active_chips(form, links), *_rest_chips(rest, links)],
        default_columns=default_columns(reader),
        error=error,
        saved_filter=saved_filter,
        view=view,
    )


def _move_to_controls(tree: Node, address: QueryDict, choices: FilterChoices) -> list[Node]:
    """Set the parameters of the controls that say a part of the tree; return the other parts."""
    controls = dict(_choice_nodes(choices))
    rest: list[Node] = []
    words: list[str] = []
    has_search = bool(address.get("search"))
    for node in conjuncts(tree):
        name, value = controls.get(node, ("", ""))
        if isinstance(node, Text) and not node.is_phrase and not has_search:
            words.append(node.text)
        elif name and not address.get(name):
            address[name] = value
        else:
            rest.append(node)
    if words:
        address["search"] = " ".join(words)
    # Without a default: the text says all.
    address["category"] = address.get("category") or "all"
    for name in ("filter", "saved_filter"):
        address.pop(name, None)
    if rest:
        address["filter"] = to_text(conjunction(tuple(rest)))
    return rest


def _term(name: str, text: str) -> Term:
    return Term(name, ":", (Value(text),))


DUE_NODES: dict[str, Node] = {
    "overdue": _term("is", "overdue"),
    "today": _term("due", "@today"),
    "this_week": Term("due", RANGE, (Value("@today"), Value("@week-end"))),
    "week": Term("due", RANGE, (Value("@today"), Value("@today+7"))),
}


def _choice_nodes(choices: FilterChoices) -> Iterator[tuple[Node, tuple[str, str]]]:
    """Yield each choice of a control as a term, with the control's name and value."""
    for category in (OPEN_CHOICE, "todo", "in_progress", "done", "cancelled"):
        yield _term("state", category), ("category", category)
    for project in choices.projects:
        yield _term("project", project.key), ("project", project.key)
    for value, name in (("me", "@me"), ("none", "none")):
        yield _term("assignee", name), ("assignee", value)
    for user in choices.people:
        yield _term("assignee", f"@{user.handle}"), ("assignee", str(user.pk))
    for number, name in enumerate(PRIORITY_NAMES):
        yield _term("priority", name), ("priority", str(number))
    for label in choices.labels:
        yield _term("label", label), ("label", label)
    for value, node in DUE_NODES.items():
        yield node, ("due", value)


def _control_nodes(form: FilterForm, choices: FilterChoices) -> list[Node]:
    """Return what the controls say, as terms."""
    data: dict[str, Any] = form.cleaned_data
    nodes = {control: node for node, control in _choice_nodes(choices)}
    chosen = [(name, data.get(name) or "") for name in ("category", "project", "assignee", "priority", "label", "due")]
    terms = [nodes[control] for control in chosen if control in nodes]
    return [*terms, *map(Text, (data.get("search") or "").split())]


def _rest_chips(rest: list[Node], query: QueryDict) -> list[FilterChip]:
    """Return a chip for each part of the text that no control says."""
    chips = []
    for index, node in enumerate(rest):
        others = to_text(conjunction((*rest[:index], *rest[index + 1 :])))
        chips.append(
            FilterChip(to_text(node), url_with(query, "filter", others) if others else url_without(query, "filter"))
        )
    return chips


def list_columns(reader: User, query: QueryDict) -> list[str]:
    """Return the columns of the list with this query string."""
    if "columns" not in query and (filter_id := parse_uuid(query.get("saved_filter", ""))):
        saved_filter = saved_filters_selectors.list_saved_filters(reader).filter(pk=filter_id).first()
        return (saved_filter.columns if saved_filter else None) or default_columns(reader)
    return read_columns(query, default_columns(reader))
