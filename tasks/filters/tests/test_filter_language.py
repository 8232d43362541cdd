"""The filter language against a naive evaluation in Python, over tasks of every kind."""

from __future__ import annotations

import operator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.tests.factories import UserFactory
from core.api.pagination import PageRequest
from core.errors import Invalid
from tasks.filters import grammar
from tasks.filters import selectors as filters_selectors
from tasks.filters.query_params import filters_from_params
from tasks.filters.syntax_tree import And, Not, Or, Term, Text, Value, to_text
from tasks.items import api_queries
from tasks.models import Task
from tasks.models.task import PRIORITY_NAMES
from tasks.tests.factories import (
    AssigneeFactory,
    CommentFactory,
    LabelFactory,
    MemberFactory,
    ProjectFactory,
    TaskFactory,
    TaskShareFactory,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ZONE = ZoneInfo("Pacific/Auckland")  # it is 5 May there
TODAY = date(2026, 5, 5)
WORDS = ("alpha", "beta", "gamma")
DAYS = {
    "@today": TODAY,
    "@yesterday": date(2026, 5, 4),
    "@week-end+1w": date(2026, 5, 17),
    "2026-05-06": date(2026, 5, 6),
}
COMPARE = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
CATEGORIES = {"open": ("todo", "in_progress"), "closed": ("done", "cancelled"), "done": ("done",), "todo": ("todo",)}


@pytest.fixture
def world(alice, bob, project):
    """Twenty-four tasks of two projects, and their readers: alice, a guest of three tasks, and staff."""
    alice.time_zone = bob.time_zone = ZONE.key
    guest = UserFactory(handle="guest", time_zone=ZONE.key)
    staff = UserFactory(handle="staff", role="staff", time_zone=ZONE.key)
    other = ProjectFactory(key="ZETA", owner=bob)
    MemberFactory(project=other, user=alice)
    tasks = []
    for n in range(24):
        home = (project, other)[n % 2]
        slug = ("todo", "in_progress", "done", "cancelled", "todo")[n % 5]
        day = TODAY + timedelta(days=n % 7 - 3)
        task = TaskFactory(
            project=home,
            state=home.states.get(slug=slug),
            closed_at=NOW - timedelta(hours=n) if slug in {"done", "cancelled"} else None,
            title=f"Task {WORDS[n % 3]}",
            description=WORDS[1] if n % 4 == 0 else "",
            priority=n % 5,
            creator=(alice, bob)[n // 3 % 2],
            due_date=day if n % 3 == 0 else None,
            due_at=NOW + timedelta(hours=18 * (n % 7 - 3)) if n % 3 == 1 else None,
            start_date=day - timedelta(days=30) if n % 4 == 1 else None,
            estimate=15 * (n % 6) if n % 2 else None,
            parent=tasks[n - 2] if n % 5 == 4 else None,
            created_at=NOW + timedelta(hours=7 * (n - 12)),
            updated_at=NOW + timedelta(hours=5 * (n - 12)),
        )
        tasks.append(task)
        for user in [(), (alice,), (bob,), (alice, bob)][n % 4]:
            AssigneeFactory(task=task, user=user)
        if n % 3 == 2:
            task.labels.add(home.labels.filter(name="red").first() or LabelFactory(project=home, name="red"))
        if n % 6 == 1:
            task.labels.add(home.labels.filter(name="big one").first() or LabelFactory(project=home, name="big one"))
        if n % 7 == 3:
            CommentFactory(task=task, author=bob, body="omega")
    for task in (tasks[4], tasks[9], tasks[6]):
        TaskShareFactory(task=task, user=guest)
    guest.refresh_from_db()
    guest.time_zone = ZONE.key
    rows = Task.objects.with_relations().prefetch_related("comments", "subtasks").all()
    shared = {tasks[4].pk, tasks[9].pk, tasks[6].pk}
    every = {task.pk for task in tasks}
    return SimpleNamespace(
        rows={task.pk: task for task in rows}, readers=[(alice, every), (guest, shared), (staff, every)]
    )


def term(name, operators, texts, *, many=True):
    one = st.builds(
        Term, st.just(name), st.sampled_from(operators), st.builds(Value, texts).map(lambda value: (value,))
    )
    if not many:
        return one
    lists = st.lists(st.builds(Value, texts), min_size=1, max_size=3, unique=True).map(tuple)
    return one | st.builds(Term, st.just(name), st.just(":"), lists)


ORDERED = (":", ">", ">=", "<", "<=")
TERMS = st.one_of(
    # In quotes: words without a match would find similar ones.
    st.sampled_from(WORDS).map(lambda word: Text(word, is_phrase=True)),
    term("state", [":"], st.sampled_from([*CATEGORIES])),
    term("status", [":"], st.sampled_from(["todo", "done", "unheard"])),
    term("priority", ORDERED, st.sampled_from(PRIORITY_NAMES)),
    term("assignee", [":"], st.sampled_from(["@me", "@bob", "none", "@nobody"])),
    term("creator", [":"], st.sampled_from(["@me", "@bob"])),
    term("label", [":"], st.sampled_from(["red", "big one", "unheard"])),
    term("project", [":"], st.sampled_from(["OPS", "zeta", "NONE"])),
    term("parent", [":"], st.just("none")),
    term("due", ORDERED, st.sampled_from([*DAYS])),
    term("start", ORDERED, st.sampled_from(["2026-04-04", "2026-04-05"])),
    term("created", ORDERED, st.sampled_from([*DAYS])),
    term("updated", ORDERED, st.sampled_from([*DAYS])),
    term("closed", ORDERED, st.sampled_from([*DAYS])),
    term("estimate", ORDERED, st.sampled_from(["0", "30", "45"])),
    term(
        "has", [":"], st.sampled_from(["due", "estimate", "assignee", "label", "parent", "subtask", "comment", "start"])
    ),
    term("is", [":"], st.sampled_from(["open", "closed", "overdue", "archived"])),
)
NODES = st.recursive(
    TERMS,
    lambda nodes: st.one_of(
        nodes.map(Not),
        st.lists(nodes, min_size=2, max_size=3).map(tuple).map(And),
        st.lists(nodes, min_size=2, max_size=3).map(tuple).map(Or),
    ),
    max_leaves=8,
)


def holds(node, task, reader, visible):
    """Evaluate a syntax tree for one task, as the documentation describes it."""
    match node:
        case Not(part):
            return not holds(part, task, reader, visible)
        case And(parts):
            return all(holds(part, task, reader, visible) for part in parts)
        case Or(parts):
            return any(holds(part, task, reader, visible) for part in parts)
        case Text(text):
            texts = [f"{task.title} {task.description}", *(comment.body for comment in task.comments.all())]
            return any(text in words.lower().split() for words in texts)
        case Term(name, sign, values):
            return any(EVALUATE[name](task, sign, value.text, reader, visible) for value in values)


def compared(value, sign, bound):
    if value is None:
        return False
    return value == bound if sign == ":" else COMPARE[sign](value, bound)


def due_day(task):
    return task.due_date or (task.due_at and task.due_at.astimezone(ZONE).date())


def parent_of(task, visible):
    return task.parent_id if task.parent_id in visible else None


HAS = {
    "due": lambda task, _: due_day(task) is not None,
    "start": lambda task, _: task.start_date is not None,
    "estimate": lambda task, _: task.estimate is not None,
    "assignee": lambda task, _: bool(task.assignees.all()),
    "label": lambda task, _: bool(task.labels.all()),
    "parent": lambda task, visible: parent_of(task, visible) is not None,
    "subtask": lambda task, visible: any(subtask.pk in visible for subtask in task.subtasks.all()),
    "comment": lambda task, _: bool(task.comments.all()),
}
IS = {
    "open": lambda task: task.closed_at is None,
    "closed": lambda task: task.closed_at is not None,
    "overdue": lambda task: task.is_overdue(NOW, TODAY),
    "archived": lambda _: False,
}
EVALUATE = {
    "state": lambda task, _sign, text, *_: task.category in CATEGORIES[text],
    "status": lambda task, _sign, text, *_: task.state.slug == text,
    "priority": lambda task, sign, text, *_: compared(task.priority, sign, PRIORITY_NAMES.index(text)),
    "assignee": lambda task, _sign, text, reader, _: (
        text.strip("@").replace("me", reader.handle) in [user.handle for user in task.assignees.all()]
        or (text == "none" and not task.assignees.all())
    ),
    "creator": lambda task, _sign, text, reader, _: task.creator.handle == text[1:].replace("me", reader.handle),
    "label": lambda task, _sign, text, *_: text in [label.name for label in task.labels.all()],
    "project": lambda task, _sign, text, reader, visible: task.project.key == text.upper() and len(visible) > 3,
    "parent": lambda task, _sign, _text, _reader, visible: parent_of(task, visible) is None,
    "due": lambda task, sign, text, *_: compared(due_day(task), sign, DAYS[text]),
    "start": lambda task, sign, text, *_: compared(task.start_date, sign, date.fromisoformat(text)),
    "created": lambda task, sign, text, *_: compared(task.created_at.astimezone(ZONE).date(), sign, DAYS[text]),
    "updated": lambda task, sign, text, *_: compared(task.updated_at.astimezone(ZONE).date(), sign, DAYS[text]),
    "closed": lambda task, sign, text, *_: compared(
        task.closed_at and task.closed_at.astimezone(ZONE).date(), sign, DAYS[text]
    ),
    "estimate": lambda task, sign, text, *_: compared(task.estimate, sign, int(text)),
    "has": lambda task, _sign, text, _reader, visible: HAS[text](task, visible),
    "is": lambda task, _sign, text, *_: IS[text](task),
}


@time_machine.travel(NOW, tick=False)
def test_filter_selects_what_naive_evaluation_does(world):
    @settings(max_examples=400)
    @given(NODES, st.sampled_from(range(3)), st.sampled_from(["-created_at", "updated_at", "due_date", "-estimate"]))
    def check(node, reader_index, ordering):
        reader, visible = world.readers[reader_index]
        text = to_text(node)
        expected = {pk for pk in visible if holds(node, world.rows[pk], reader, visible)}
        filters = filters_from_params({"filter": text}, reader, NOW)

        by_queryset = {task.pk for task in filters_selectors.filter_visible(reader, filters)}
        page_request = PageRequest(sorts=filters_selectors.TASK_SORTS, ordering=ordering, limit=100)
        by_index = [task.id for task in api_queries.list_task_columns(reader, filters, page_request).rows]

        assert by_queryset == expected, text
        assert sorted(by_index) == sorted(expected), text

    check()


@given(NODES)
def test_random_tree_survives_its_text(node):
    text = to_text(node)

    assert to_text(grammar.parse(text)) == to_text(grammar.parse(to_text(grammar.parse(text))))


WRONG = {
    "stat:open": ("unknown_name", 0, "Did you mean “state”?"),
    "a http://x.de/": ("unknown_name", 2, "put it in quotes"),
    "x state:opn": ("unknown_value", 8, "Did you mean “open”?"),
    "is:late": ("unknown_value", 3, "overdue"),
    "state>open": ("operator", 0, "colon"),
    "due:soon": ("invalid_date", 4, "@today+7"),
    "due:2026-02-30": ("invalid_date", 4, "no day"),
    "due:@today+9999w created:1999-13-01": ("invalid_date", 25, "no day"),
    "updated>=2026-05-04T25:00:00Z": ("invalid_date", 9, "no instant"),
    "estimate>many": ("invalid_number", 9, "whole number"),
    "priority:high..low": ("empty_range", 9, "before it begins"),
    "parent:x": ("invalid_task", 7, "OPS-42"),
    "field.cost>100": ("unknown_field", 0, "cost"),
    '"!"': ("no_words", 0, "no word"),
    "state:open " + "a " * 21: ("too_many_words", 11, "20 words"),
    "-" + "a" * 201: ("max_length", 1, "200"),
    'label:""': ("too_long", 6, "60"),
}


@pytest.mark.parametrize(("text", "expected"), WRONG.items(), ids=str)
def test_meaningless_filter_is_refused_with_position(text, expected, alice):
    with pytest.raises(Invalid) as refused:
        filters_from_params({"filter": text}, alice, NOW)

    code, position, part = expected
    error = refused.value.fields[0]
    assert (error.field, error.code, error.position) == ("filter", code, position), error
    assert part in error.message


def test_all_wrong_terms_are_named_at_once(clients):
    response = clients["alice"].get("/api/v1/tasks/", {"filter": "stat:x due:soon open"})

    assert response.status_code == 400
    assert [(error["field"], error["code"], error["position"]) for error in response.json()["errors"]] == [
        ("filter", "unknown_name", 0),
        ("filter", "invalid_date", 11),
    ]
