"""The way through a list: from a task to the one before and after it, by the filter that its address names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from django.utils import timezone

from accounts.models import User
from core.api.pagination import PageRequest, apply_ordering
from core.errors import Invalid
from core.time_zones import sql_time_zone
from tasks.filters import grammar
from tasks.filters import selectors as filters_selectors
from tasks.filters.compiler import compile_filter
from tasks.filters.forms import DEFAULT_ORDERING
from tasks.filters.list_filter import ListFilter
from tasks.filters.selectors import TaskFilters
from tasks.items import page_queries
from tasks.models import Task

# Of the tasks of a list; a task behind these has no neighbours.
MAX_LISTED = 1_000


class Neighbours(NamedTuple):
    """Place of a task in a list, and the keys around it; empty at the ends."""

    number: int
    total: int
    previous: str
    next: str
    query: str

    @property
    def is_cut(self) -> bool:
        return self.total == MAX_LISTED

    @property
    def list_query(self) -> str:
        """Query string of the list itself."""
        return self.query.replace("list=", "filter=", 1)


def list_query(list_filter: ListFilter) -> str:
    """Return the query string by which the page of a task knows the list; empty for a filter that no text says."""
    if list_filter.error or any(list_filter.since.values()):
        return ""
    return urlencode({"list": list_filter.text, "ordering": list_filter.form.order})


def find_neighbours(reader: User, task: Task, params: Mapping[str, str], *, now: datetime) -> Neighbours | None:
    """Return a task's place in the list of `list` and `ordering`; None outside of it.

    The list is read again, so that it has what the reader sees now: one query, and those for names in the filter.
    """
    text, ordering = params.get("list", ""), params.get("ordering", DEFAULT_ORDERING)
    if "list" not in params or ordering.removeprefix("-") not in filters_selectors.TASK_SORTS:
        return None
    zone = sql_time_zone(reader.time_zone)
    filters = TaskFilters(now=now, today=timezone.localdate(now), zone=zone)
    try:
        filters = compile_filter(grammar.parse(text), reader, filters)
    except Invalid:
        return None
    rows = page_queries.filter_page_tasks(reader, filters, created_from=None, closed_from=None)
    page_request = PageRequest(sorts=filters_selectors.TASK_SORTS, ordering=ordering, limit=MAX_LISTED)
    if page_request.sort == filters_selectors.DUE_SORT:
        rows = rows.with_due_instant(zone)
    ordered = apply_ordering(rows, page_request).values_list("project__key", "number")[:MAX_LISTED]
    keys = [f"{key}-{number}" for key, number in ordered]
    if task.key not in keys:
        return None
    place = keys.index(task.key)
    before, after = keys[place - 1] if place else "", keys[place + 1] if place + 1 < len(keys) else ""
    query = urlencode({"list": text, "ordering": ordering})
    return Neighbours(place + 1, len(keys), before, after, query)
