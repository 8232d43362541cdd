"""Order of the task list by a custom field: `ordering=field.cost`."""

from __future__ import annotations

from datetime import date
from itertools import chain

import pytest

from accounts.tests.factories import UserFactory
from tasks.tests.factories import (
    FieldFactory,
    FieldValueFactory,
    MemberFactory,
    OptionFactory,
    ProjectFactory,
    TaskFactory,
)

pytestmark = pytest.mark.django_db
URL = "/api/v1/tasks/"
VALUES = {
    "number": [3, None, "-1.5", 3, None, 100, "0.000001", 3],
    "text": ["b", None, "a", "b", None, "c" * 300, "B", "b"],
    "url": ["https://b.example", None, "https://a.example", None, None, "http://c.example", None, None],
    "date": [date(2026, 5, 4), None, date(2025, 1, 1), date(2026, 5, 4), None, None, None, date(2027, 1, 1)],
    "select": ["low", None, "high", "low", None, "top", None, None],
    "person": ["Zoe", None, "Ann", "Zoe", None, "Kim", None, None],
    "checkbox": [True, None, True, None, None, None, None, True],
}


@pytest.fixture
def tasks(project):
    return [TaskFactory(project=project, title=f"t{number}") for number in range(8)]


@pytest.fixture
def fields(project, tasks):
    made = {}
    users = {name: MemberFactory(project=project, user=UserFactory(name=name)).user for name in ("Zoe", "Ann", "Kim")}
    for kind, values in VALUES.items():
        field = made[kind] = FieldFactory(project=project, kind=kind, key=kind)
        options = {slug: OptionFactory(field=field, slug=slug) for slug in ("top", "low", "high") if kind == "select"}
        columns = {"url": "text", "select": "option", "person": "user", "checkbox": "checked"}
        for task, value in zip(tasks, values, strict=True):
            if value is not None:
                column = {columns.get(kind, kind): options.get(value) or users.get(value) or value}
                FieldValueFactory(task=task, field=field, **column)
    return made


def pages(client, direction="next", start=None, **params):
    """Return the titles of each page, following links."""
    titles = []
    response = client.get(start or URL, {} if start else {"project": "OPS", "limit": 3, **params})
    while True:
        assert response.status_code == 200, response.json()
        body = response.json()
        titles.append([task["title"] for task in body["results"]])
        if not body[direction]:
            return titles, response
        response = client.get(body[direction])


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("kind", VALUES)
def test_pages_follow_the_order_of_values_with_nulls_last(kind, sign, clients, fields, tasks):
    client = clients["alice"]
    rank = {"top": 0, "low": 1, "high": 2}
    keys = [rank.get(value, value) if kind == "select" else value for value in VALUES[kind]]
    keys = [float(key) if kind == "number" and key is not None else key for key in keys]

    titles, last = pages(client, ordering=f"{sign}field.{kind}")
    backwards, _ = pages(client, "previous", start=last.wsgi_request.get_full_path())
    numbered = [
        task["title"]
        for page in (1, 2, 3)
        for task in client.get(
            URL, {"project": "OPS", "limit": 3, "ordering": f"{sign}field.{kind}", "page": page}
        ).json()["results"]
    ]

    flat = list(chain.from_iterable(titles))
    assert sorted(flat) == sorted(task.title for task in tasks)
    assert list(chain.from_iterable(reversed(backwards))) == flat == numbered
    ordered = [keys[int(title[1:])] for title in flat]
    present = [key for key in ordered if key is not None]
    assert ordered[len(present) :] == [None] * (8 - len(present))
    if kind != "text":  # letters by the collation of the database
        assert present == sorted(present, reverse=bool(sign))
    ties = [int(title[1:]) for title, key in zip(flat, ordered, strict=True) if key == keys[0]]
    assert ties == sorted(ties, reverse=bool(sign))


def test_order_keeps_filters_and_hides_other_projects(clients, fields, tasks, alice):
    other = ProjectFactory(owner=alice)
    TaskFactory(project=other, title="other")

    titles, _ = pages(clients["alice"], ordering="field.number", filter="field.checkbox:true")

    assert titles == [["t2", "t0", "t7"]]


def test_order_by_an_unknown_field_is_refused(clients, fields, project):
    FieldFactory(project=project, kind="multi_select", key="multi")
    for params, code in [
        ({"project": "OPS", "ordering": "field.missing"}, "invalid_choice"),
        ({"project": "OPS", "ordering": "field.multi"}, "invalid_choice"),
        ({"ordering": "field.number"}, "needs_project"),
        ({"project": "OPS", "ordering": "field.NUMBER"}, "invalid_choice"),
        ({"project": "SECRET", "ordering": "-field.number"}, "invalid_choice"),
    ]:
        response = clients["alice"].get(URL, params)

        errors = [(error["field"], error["code"]) for error in response.json()["errors"]]
        assert (response.status_code, errors) == (400, [("ordering", code)]), params


def test_cursor_of_another_field_is_refused(clients, fields):
    client = clients["alice"]
    link = client.get(URL, {"project": "OPS", "limit": 3, "ordering": "field.number"}).json()["next"]

    response = client.get(link.replace("field.number", "field.date"))

    assert response.status_code == 400


def test_order_costs_the_same_for_many_values(clients, fields, project, queries):
    client = clients["alice"]
    params = {"project": "OPS", "ordering": "field.number", "limit": 3}
    client.get(URL, params)
    with queries() as few:
        client.get(URL, params)
    for number in range(20):
        FieldValueFactory(task=TaskFactory(project=project), field=fields["number"], number=number)

    with queries(equal_to=few):
        client.get(URL, params)
