"""Words of the filter that depend on the day and the person."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.http import QueryDict

from tasks.filters.forms import FilterForm
from tasks.filters.selectors import FilterChoices

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("due", "week_start", "today", "last"),
    [
        ("today", "monday", date(2026, 3, 4), date(2026, 3, 4)),
        ("week", "sunday", date(2026, 3, 4), date(2026, 3, 11)),
        ("this_week", "monday", date(2026, 3, 4), date(2026, 3, 8)),
        ("this_week", "sunday", date(2026, 3, 4), date(2026, 3, 7)),
        ("this_week", "saturday", date(2026, 3, 4), date(2026, 3, 6)),
        ("this_week", "monday", date(2026, 3, 8), date(2026, 3, 8)),
        ("this_week", "sunday", date(2026, 3, 8), date(2026, 3, 14)),
        ("", "monday", date(2026, 3, 4), None),
    ],
)
def test_week_ends_where_the_persons_next_one_begins(due, week_start, today, last):
    form = FilterForm(QueryDict(f"due={due}"), choices=FilterChoices(projects=[], people=[], labels=[]))

    filters = form.filters(now=NOW, today=today, week_start=week_start)

    assert filters.due_before == last
    assert filters.due_after == (today if due else None)
