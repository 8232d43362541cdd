"""Terms on custom fields in the filter language: `field.cost>100`."""

from __future__ import annotations

from datetime import date

import pytest

from tasks.models import CustomFieldValue, ProjectField
from tasks.tests.factories import (
    FieldFactory,
    FieldValueFactory,
    OptionFactory,
    ProjectFactory,
    TaskFactory,
)

pytestmark = pytest.mark.django_db
KINDS = ("text", "number", "date", "select", "multi_select", "person", "url", "checkbox")


@pytest.fixture
def fields(project):
    made = {kind: FieldFactory(project=project, kind=kind, key=kind) for kind in KINDS}
    for kind in ("select", "multi_select"):
        for slug in ("low", "high"):
            OptionFactory(field=made[kind], slug=slug, name=f"Very {slug}")
    return made


@pytest.fixture
def matches(clients, project, fields, bob):
    """Four tasks with values, and one without; returns the titles that match a filter."""
    rows = [
        ("a", {"number": "1.5", "date": date(2026, 5, 4), "text": "Red 50% off", "checked": True, "user": bob}),
        ("b", {"number": "-20", "date": date(2026, 5, 5), "text": "blue_green", "url": "https://example.com/x"}),
        ("c", {"number": "100.000001", "select": ["low"], "multi_select": ["low", "high"]}),
        ("d", {"number": "100", "select": ["high"], "multi_select": ["high"]}),
        ("e", {}),
    ]
    for title, values in rows:
        task = TaskFactory(project=project, title=title)
        for name, value in values.items():
            field = fields[{"checked": "checkbox", "user": "person"}.get(name, name)]
            if isinstance(value, list):
                for slug in value:
                    FieldValueFactory(task=task, field=field, option=field.options.get(slug=slug))
            else:
                FieldValueFactory(task=task, field=field, **{"text" if name == "url" else name: value})

    def matching(text):
        response = clients["alice"].get("/api/v1/tasks/", {"filter": text, "ordering": "title"})
        assert response.status_code == 200, response.json()
        return "".join(task["title"] for task in response.json()["results"])

    return matching


def test_filters_find_the_tasks_of_every_kind(matches):
    expected = {
        "field.number>100": "c",
        "field.number>=100": "cd",
        "field.number<1.5": "b",
        "field.number<=1.5": "ab",
        "field.number:100": "d",
        "field.number:1.5,-20": "ab",
        "field.number:0..100": "ad",
        "field.number:none": "e",
        "-field.number>100": "abde",
        "field.date:2026-05-04": "a",
        "field.date>2026-05-04": "b",
        "field.date:2026-05-01..2026-05-05": "ab",
        "field.text:RED": "a",
        'field.text:"0% o"': "a",
        "field.text:_": "b",
        "field.text:%": "a",
        "field.text:none": "cde",
        "field.url:example.com": "b",
        "field.select:low": "c",
        "field.select:low,high": "cd",
        'field.select:"very high"': "d",
        "field.multi_select:high": "cd",
        "-field.multi_select:low field.multi_select:high": "d",
        "field.person:@bob": "a",
        "field.person:@me": "",
        "field.person:@unknown": "",
        "field.checkbox:true": "a",
        "field.checkbox:no": "bcde",
        "field.checkbox:true,false": "abcde",
        "field.number>0 field.select:high OR field.date:2026-05-04": "ad",
    }

    assert {text: matches(text) for text in expected} == expected


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("x field.missing:1", "unknown_field", 2),
        ("field.number:many", "invalid_number", 13),
        ("field.number:1e999", "invalid_number", 13),
        ("field.number:5..1", "empty_range", 13),
        ("field.date:soon", "invalid_date", 11),
        ("field.select:middle", "unknown_value", 13),
        ("field.select>low", "operator", 0),
        ("field.checkbox:maybe", "unknown_value", 15),
        ('field.text:""', "too_long", 11),
    ],
)
def test_wrong_term_is_refused_with_its_position(text, code, position, clients, fields):
    response = clients["alice"].get("/api/v1/tasks/", {"filter": text})

    errors = [(error["code"], error["position"]) for error in response.json()["errors"]]
    assert (response.status_code, errors) == (400, [(code, position)])


def test_fields_of_one_key_are_searched_in_all_projects(clients, matches, fields, alice):
    other = ProjectFactory(owner=alice)
    text = FieldFactory(project=other, key="number", kind="text")
    FieldValueFactory(task=TaskFactory(project=other, title="f"), field=text, text="over 100")

    assert matches("field.number:100") == "df"
    assert matches("field.number>100") == "c"


def test_hidden_fields_look_like_missing_ones(client_of, mallory, fields):
    texts = [
        client_of(mallory).get("/api/v1/tasks/", {"filter": f"field.{key}:1"}).json()["errors"][0]["message"]
        for key in ("number", "absent")
    ]

    assert texts[0].replace("number", "KEY") == texts[1].replace("absent", "KEY")


def test_values_of_archived_and_unlinked_fields_do_not_match(clients, matches, fields, project):
    assert matches("field.number:100") == "d"

    shared = FieldFactory(key="shared", kind="number")
    link = ProjectField.objects.create(project=project, field=shared, key="shared", position=9)
    FieldValueFactory(task=CustomFieldValue.objects.filter(number=100).get().task, field=shared, number=7)
    assert matches("field.shared:7") == "d"
    link.delete()
    assert matches("field.shared:7") == ""

    clients["alice"].patch(f"/api/v1/projects/OPS/fields/{fields['number'].pk}/", {"archived": True})
    response = clients["alice"].get("/api/v1/tasks/", {"filter": "field.number:100"})
    assert response.status_code == 400


def test_many_terms_cost_as_many_queries_as_one(clients, matches, fields, queries):
    def request(text):
        clients["alice"].get("/api/v1/tasks/", {"filter": text})

    request("field.select:low")
    with queries() as one:
        request("field.select:high")

    with queries(equal_to=one):
        request("field.select:low field.number>1 field.text:a field.person:@me field.date>2026-01-01")
