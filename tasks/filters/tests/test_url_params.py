"""Filter texts and query parameters say the same, both ways; a filter that takes too long is stopped."""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from core import db
from core.api.query_params import parse_query
from tasks.filters import grammar
from tasks.filters.conditions import AllOf
from tasks.filters.query_params import TaskQuery, filters_from_params
from tasks.filters.syntax_tree import to_text
from tasks.filters.url_params import params_of_filters, tree_of_params
from tasks.items import api_queries
from tasks.models.task import PRIORITY_NAMES
from tasks.tests.factories import FieldFactory, OptionFactory, TaskFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
IDS = st.uuids().map(str)


def some(values, *, most=3):
    return st.lists(values, min_size=1, max_size=most, unique=True)


def commas(values):
    return some(values).map(",".join)


DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 1, 1)).map(str)
SCRIPTS = 'abcXYZéßİжΩعא漢あ한กक-":()\\,1'
WORDS = st.text(st.sampled_from(SCRIPTS), min_size=1, max_size=6).filter(lambda word: any(map(str.isalnum, word)))
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "search": some(WORDS, most=4).map(" ".join),
        "project": IDS,
        "status": commas(st.sampled_from(["todo", "in-review", "done"])),
        "category": commas(st.sampled_from(["todo", "in_progress", "done", "cancelled"])),
        "priority": commas(st.sampled_from(PRIORITY_NAMES)),
        "assignee": commas(IDS | st.sampled_from(["me", "none"])),
        "creator": commas(IDS | st.just("me")),
        "label": some(
            st.sampled_from(["bug", "big red", 'a "b", c', "none", "@me", "x..y", "-1", ">2", "OR", "-(x)", "a\\b"])
            | st.text(st.sampled_from(SCRIPTS), min_size=1, max_size=6)
        ),
        "parent": IDS | st.just("none"),
        "overdue": st.sampled_from(["true", "false"]),
        "due_after": DAYS,
        "due_before": DAYS,
        "updated_since": st.integers(10**9, 3 * 10**9).map(lambda at: datetime.fromtimestamp(at, UTC).isoformat()),
    },
)


# What no parameter says: negations, custom fields, days by the clock, alternatives. Beside the parameters as `filter`.
FILTER_TERMS = [
    "-state:done",
    "-label:漢字,жук",
    "-(is:overdue OR due:@today)",
    "due:@today..@week-end",
    "-due>=2026-05-04",
    "field.cost>100.5",
    "-field.cost:1..2",
    "field.due_by<=@today+7",
    'field.note:"عربي, \\"x\\" .."',
    "field.reviewer:@me",
    "field.done:yes",
    "-field.severity:high,low",
    "field.note:none",
    '"two words"',
    '-"zwei Wörter"',
    "estimate>5 OR priority>=high",
]


def validated(params):
    return parse_query(TaskQuery, QueryDict(urlencode(params, doseq=True)))


def comparable(filters, me):
    """Return the filters without what has no meaning: the order of alternatives, and `me` beside its id."""
    ids = {
        name: {str(me) if value == "me" else value for value in getattr(filters, name)}
        for name in ("assignee", "creator")
    }
    sets = {name: set(getattr(filters, name)) for name in ("status", "category", "priority", "label", "projects")}
    rest = ("search", "project", "parent", "overdue", "due_after", "due_before", "updated_since", "condition")
    return ids | sets | {name: getattr(filters, name) for name in rest}


def test_params_and_filter_text_round_trip(alice):
    @settings(max_examples=300)
    @given(PARAMS)
    def check(params):
        by_params = filters_from_params(validated(params), alice, NOW)
        text = to_text(tree_of_params(validated(params)))

        by_text = filters_from_params({"filter": text}, alice, NOW)
        again = params_of_filters(by_text)

        is_empty_range = params.get("due_after", "") > params.get("due_before", "9")
        if not is_empty_range:
            assert comparable(by_text, alice.pk) == comparable(by_params, alice.pk), text
            assert comparable(filters_from_params(validated(again), alice, NOW), alice.pk) == comparable(
                by_text, alice.pk
            )

    check()


def test_filter_param_and_its_canonical_text_say_the_same(alice, project):
    for kind in ("number", "date", "text", "person", "checkbox", "select"):
        key = {"number": "cost", "date": "due_by", "text": "note", "person": "reviewer", "checkbox": "done"}
        field = FieldFactory(project=project, kind=kind, key=key.get(kind, "severity"))
        if kind == "select":
            for slug in ("high", "low"):
                OptionFactory(field=field, slug=slug, name=slug)

    @settings(max_examples=150)
    @given(PARAMS, some(st.sampled_from(FILTER_TERMS), most=3))
    def check(params, terms):
        # Words of both are looked up together, where the parameter and a phrase are two conditions.
        params.pop("search", None)
        if params.get("due_after", "") > params.get("due_before", "9"):
            del params["due_after"]
        text = " ".join(f"({term})" if " OR " in term else term for term in terms)
        by_both = filters_from_params(validated(params | {"filter": text}), alice, NOW)
        by_canonical = filters_from_params(validated(params | {"filter": to_text(grammar.parse(text))}), alice, NOW)
        whole = f"{to_text(tree_of_params(validated(params)))} {text}"
        by_text = filters_from_params({"filter": whole}, alice, NOW)

        assert comparable(by_both, alice.pk) == comparable(by_canonical, alice.pk)
        assert comparable(by_text, alice.pk) | {"condition": 0} == comparable(by_both, alice.pk) | {"condition": 0}
        assert _conditions(by_text) == _conditions(by_both), whole

    check()


def _conditions(filters):
    """Return the parts that hold together, in any order: those of the parameters stand in the filters."""
    condition = filters.condition
    return set(map(str, condition.parts if isinstance(condition, AllOf) else (condition,)))


@pytest.mark.parametrize(
    "text",
    [
        "a OR b",
        "label:a label:b",
        "estimate>5",
        "project:00000000-0000-7000-8000-000000000001,00000000-0000-7000-8000-000000000002",
        "-state:open",
    ],
)
def test_filter_beyond_the_params_has_none(text, alice):
    assert params_of_filters(filters_from_params({"filter": text}, alice, NOW)) is None


def test_filter_that_takes_too_long_is_stopped(clients, project, monkeypatch):
    TaskFactory(project=project)
    statement_timeout = db.statement_timeout
    monkeypatch.setattr(api_queries, "statement_timeout", lambda _, message: statement_timeout(1, message))
    run = api_queries._list_task_columns

    def slow(*args):
        with db.connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")
        return run(*args)

    monkeypatch.setattr(api_queries, "_list_task_columns", slow)

    response = clients["alice"].get("/api/v1/tasks/", {"filter": "a OR b"})

    assert (response.status_code, response.json()["code"]) == (503, "timeout")
    assert "Narrow it" in response.json()["detail"]
    assert response["Retry-After"]
