"""Terms on custom fields, of every kind."""

from __future__ import annotations

from datetime import date

import pytest

from accounts.tests.fixtures import signed_in
from tasks.tests.factories import FieldFactory, FieldValueFactory, OptionFactory, ProjectFactory, TaskFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def fields(project, alice, bob):
    """Tasks 1 and 2 of OPS have a value in each field, task 3 none."""
    rows = {}
    for kind in ("number", "date", "text", "select", "multi_select", "person", "checkbox"):
        rows[kind] = FieldFactory(project=project, kind=kind, key=f"my_{kind}")
    options = {
        kind: [OptionFactory(field=rows[kind], slug=slug, name=slug.upper()) for slug in ("high", "low")]
        for kind in ("select", "multi_select")
    }
    one, two, _ = TaskFactory.create_batch(3, project=project)
    values = {
        "number": ("number", 10, 200.5),
        "date": ("date", date(2026, 5, 1), date(2026, 6, 1)),
        "text": ("text", "Blue whale", "Red fox"),
        "select": ("option", *options["select"]),
        "multi_select": ("option", *options["multi_select"]),
        "person": ("user", alice, bob),
    }
    for kind, (column, first, second) in values.items():
        for task, value in ((one, first), (two, second)):
            FieldValueFactory(task=task, field=rows[kind], kind=kind, **{column: value})
    FieldValueFactory(task=two, field=rows["multi_select"], kind="multi_select", option=options["multi_select"][0])
    FieldValueFactory(task=one, field=rows["checkbox"], kind="checkbox", checked=True)
    return rows


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("field.my_number>100", {2}),
        ("field.my_number:10..200.5", {1, 2}),
        ("field.my_number<=10", {1}),
        ("-field.my_number>100", {1, 3}),
        ("field.my_number:none", {3}),
        ("field.my_date<2026-05-15", {1}),
        ("field.my_date:2026-05-01,2026-06-01", {1, 2}),
        ('field.my_text:"blue w"', {1}),
        ("field.my_select:high", {1}),
        ("field.my_select:LOW", {2}),
        ("field.my_multi_select:high", {1, 2}),
        ("field.my_multi_select:low -field.my_select:high", {2}),
        ("field.my_person:@me", {1}),
        ("field.my_person:@bob", {2}),
        ("field.my_checkbox:yes", {1}),
        ("field.my_checkbox:false", {2, 3}),
        ("field.my_number>100 OR field.my_checkbox:yes", {1, 2}),
    ],
)
def test_field_term_selects_by_value(text, numbers, clients, fields):
    response = clients["alice"].get("/api/v1/tasks/", {"filter": text})

    assert response.status_code == 200, response.content
    assert {row["number"] for row in response.json()["results"]} == numbers


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("field.my_number>many", "invalid_number", 16),
        ("field.my_date:soon", "invalid_date", 14),
        ("field.my_text>a", "operator", 0),
        ("field.my_checkbox:maybe", "unknown_value", 18),
        ("a field.other:1", "unknown_field", 2),
    ],
)
def test_wrong_field_term_is_refused_with_position(text, code, position, clients, fields):
    response = clients["alice"].get("/api/v1/tasks/", {"filter": text})

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert (error["code"], error["position"]) == (code, position)


def test_field_of_a_hidden_project_is_unknown(fields, mallory):
    ProjectFactory(owner=mallory)

    response = signed_in(mallory).get("/api/v1/tasks/", {"filter": "field.my_number>1"})

    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "unknown_field"


def test_fields_of_one_key_and_several_kinds_are_all_compared(clients, fields, alice):
    other = ProjectFactory(owner=alice)
    text_field = FieldFactory(project=other, kind="text", key="my_number")
    task = TaskFactory(project=other, title="Elsewhere")
    FieldValueFactory(task=task, field=text_field, kind="text", text="about 10")

    response = clients["alice"].get("/api/v1/tasks/", {"filter": "field.my_number:10"})

    assert {row["title"] for row in response.json()["results"]} == {"Elsewhere", "Task 1"}
