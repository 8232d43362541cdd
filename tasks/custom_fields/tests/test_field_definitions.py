from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from core.testing.database_state import table_digests
from tasks.items.tests.test_create_task import changed_since
from tasks.models import CustomField, CustomFieldValue, ProjectField
from tasks.tests.factories import FieldFactory, FieldValueFactory, OptionFactory, ProjectFactory, TaskFactory

URL = "/api/v1/projects/OPS/fields/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def severity(project):
    field = FieldFactory(project=project, kind="select", key="severity")
    for slug in ("high", "low"):
        OptionFactory(field=field, slug=slug)
    return field


def test_field_is_created_with_options_and_event(clients, project, outbox):
    body = {"name": "Cost centre", "kind": "select", "options": [{"name": "High", "colour": "#b4232c"}, {"name": "低"}]}

    response = clients["alice"].post(URL, body | {"default": "high"})

    assert response.status_code == 201
    field = response.json()
    assert (field["key"], field["default"], field["shared"], field["position"]) == ("cost_centre", "high", False, 0)
    assert [(option["slug"], option["colour"]) for option in field["options"]] == [
        ("high", "#b4232c"),
        ("option", "#5c6472"),
    ]
    assert outbox.only("project.updated")["changes"] == {"fields": [[], ["Cost centre"]]}
    assert clients["bob"].get(URL).json()["results"] == [field]
    assert clients["bob"].get(f"{URL}{field['id']}/").json() == field


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"name": "", "kind": "text"}, "name", "blank"),
        ({"name": "x" * 61, "kind": "text"}, "name", "max_length"),
        ({"name": "Cost", "kind": "money"}, "kind", "invalid_choice"),
        ({"name": "Cost", "kind": "text", "key": "Cost"}, "key", "invalid"),
        ({"name": "Cost", "kind": "text", "key": "taken"}, "key", "taken"),
        ({"name": "Cost", "kind": "text", "options": [{"name": "a"}]}, "options", "invalid"),
        ({"name": "Cost", "kind": "select", "options": [{"name": "a"}, {"name": "A"}]}, "options", "taken"),
        (
            {"name": "Cost", "kind": "select", "options": [{"name": f"o{n}"} for n in range(101)]},
            "options",
            "max_length",
        ),
        ({"name": "Cost", "kind": "number", "default": "12"}, "default", "invalid"),
        ({"name": "Cost", "kind": "person", "default": "12"}, "default", "invalid"),
        ({"name": "Cost", "kind": "checkbox", "required": True}, "required", "invalid"),
        ({"name": "Cost", "kind": "text", "colour": "red"}, "colour", "unknown"),
    ],
)
def test_invalid_field_is_rejected(body, field, code, clients, project):
    FieldFactory(project=project, key="taken")
    client, before = clients["alice"], table_digests()

    response = client.post(URL, body)

    assert response.status_code == 400
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, code)]
    assert changed_since(before) == set()


def test_field_beyond_the_limit_is_refused(clients, project, admin, client_of):
    for number in range(50):
        FieldFactory(project=project, key=f"f{number}")
    shared = FieldFactory()
    client, before = clients["alice"], table_digests()

    created = client.post(URL, {"name": "One more", "kind": "text"})
    linked = client.post("/api/v1/projects/OPS/shared-fields/", {"field": str(shared.pk)})

    assert [created.status_code, linked.status_code] == [409, 409]
    assert created.json()["detail"] == linked.json()["detail"] == "A project has at most 50 fields."
    assert changed_since(before) == set()


def test_kind_changes_only_without_loss(clients, project, severity):
    task = TaskFactory(project=project)
    high = severity.options.get(slug="high")
    FieldValueFactory(task=task, field=severity, option=high)
    text = FieldFactory(project=project, key="note")
    FieldValueFactory(task=task, field=text, text="no link")
    client = clients["alice"]

    statuses = {
        (name, kind): client.patch(f"{URL}{field.pk}/", {"kind": kind}).status_code
        for name, field, kind in [
            ("severity", severity, "text"),
            ("severity", severity, "multi_select"),
            ("severity", severity, "select"),
            ("note", text, "number"),
            ("note", text, "url"),
        ]
    }
    CustomFieldValue.objects.filter(field=text).update(text="https://example.com")
    statuses["link", "url"] = client.patch(f"{URL}{text.pk}/", {"kind": "url"}).status_code

    assert list(statuses.values()) == [400, 200, 400, 400, 400, 200]
    values = clients["bob"].get(f"/api/v1/tasks/{task.key}/fields/").json()["fields"]
    assert values == {"severity": ["high"], "note": "https://example.com"}
    # The database changed the rows with their field.
    assert set(CustomFieldValue.objects.values_list("kind", flat=True)) == {"multi_select", "url"}


def test_field_update_checks_the_version(clients, project, severity):
    client, url = clients["alice"], f"{URL}{severity.pk}/"

    changed = client.patch(url, {"name": "Urgency", "archived": True}, headers={"If-Match": '"1"'})
    stale = client.patch(url, {"name": "Other", "archived": False}, headers={"If-Match": '"1"'})
    nothing = client.patch(url, {"name": "Urgency"})

    assert [response.status_code for response in (changed, stale, nothing)] == [200, 412, 200]
    assert stale.json()["current"] == {"name": "Urgency", "archived": True}
    assert (nothing.json()["version"], nothing.json()["archived_at"] is not None) == (2, True)


def test_fields_are_moved_in_their_order(clients, project):
    fields = [FieldFactory(project=project, key=key) for key in ("a", "b", "c")]
    client = clients["alice"]

    moved = client.post(f"{URL}{fields[2].pk}/move/", {"position": 0})
    beyond = client.post(f"{URL}{fields[2].pk}/move/", {"position": 50})

    assert (moved.status_code, moved.json()["position"], beyond.status_code) == (200, 0, 400)
    assert [field["key"] for field in client.get(URL).json()["results"]] == ["c", "a", "b"]


def test_field_with_values_is_archived_before_it_is_deleted(clients, project, severity, task):
    FieldValueFactory(task=task, field=severity, option=severity.options.get(slug="high"))
    client, url = clients["alice"], f"{URL}{severity.pk}/"

    refused = client.delete(url)
    archived = client.patch(url, {"archived": True})
    hidden = client.get(f"/api/v1/tasks/{task.key}/fields/").json()["fields"]
    deleted = client.delete(url)

    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "1 task has a value in this field. Archive it first; deleting it then deletes them.",
    )
    assert (archived.status_code, hidden, deleted.status_code) == (200, {}, 204)
    assert CustomFieldValue.objects.count() == CustomField.objects.count() == ProjectField.objects.count() == 0


def test_shared_field_is_linked_and_unlinked(clients, admin, client_of, project, task, outbox):
    shared = client_of(admin).post("/api/v1/fields/", {"name": "Customer", "kind": "text"}).json()
    event = outbox.only("field.changed")
    client, links = clients["alice"], "/api/v1/projects/OPS/shared-fields/"

    forbidden = client.patch(f"/api/v1/fields/{shared['id']}/", {"name": "Client"})
    linked = client.post(links, {"field": shared["id"]})
    client.patch(f"/api/v1/tasks/{task.key}/fields/", {"fields": {"customer": "ACME"}})
    not_own = client.patch(f"{URL}{shared['id']}/", {"name": "Client"})
    unlinked = client.delete(f"{links}{shared['id']}/")
    without = client.get(f"/api/v1/tasks/{task.key}/fields/").json()["fields"]
    client.post(links, {"field": shared["id"]})
    again = client.get(f"/api/v1/tasks/{task.key}/fields/").json()["fields"]

    assert event["field"]["key"] == "customer"
    assert [r.status_code for r in (forbidden, linked, not_own, unlinked)] == [403, 201, 403, 204]
    assert (linked.json()["shared"], without, again) == (True, {}, {"customer": "ACME"})


def test_shared_field_of_a_taken_key_is_refused(clients, project):
    FieldFactory(project=project, key="customer")
    shared = FieldFactory(key="customer")
    client, before = clients["alice"], table_digests()

    response = client.post("/api/v1/projects/OPS/shared-fields/", {"field": str(shared.pk)})

    assert (response.status_code, response.json()["code"]) == (409, "taken")
    assert changed_since(before) == set()


def test_option_in_use_is_replaced_or_removed(clients, project, severity):
    high, low = severity.options.order_by("position")
    tasks = TaskFactory.create_batch(3, project=project)
    for task in tasks:
        FieldValueFactory(task=task, field=severity, option=high)
    client, options = clients["alice"], f"/api/v1/fields/{severity.pk}/options/"

    refused = client.delete(f"{options}{high.pk}/")
    itself = client.delete(f"{options}{high.pk}/?replace_with=high")
    replaced = client.delete(f"{options}{high.pk}/?replace_with=low")
    values = {client.get(f"/api/v1/tasks/{task.key}/fields/").json()["fields"]["severity"] for task in tasks}
    removed = client.delete(f"{options}{low.pk}/?remove=true")

    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "3 tasks have this option. Send `replace_with` with another one, or `remove=true`.",
    )
    assert [r.status_code for r in (itself, replaced, removed)] == [400, 204, 204]
    assert values == {"low"}
    assert CustomFieldValue.objects.count() == 0


def test_option_keeps_its_slug_and_moves(clients, project, severity):
    client, options = clients["alice"], f"/api/v1/fields/{severity.pk}/options/"
    added = client.post(options, {"name": "None at all", "colour": "#12703f"}).json()

    changed = client.patch(f"{options}{added['id']}/", {"name": "Minor", "position": 0})
    taken = client.patch(f"{options}{added['id']}/", {"name": "HIGH"})
    no_options = client.post(f"/api/v1/fields/{FieldFactory(project=project).pk}/options/", {"name": "x"})

    assert (changed.status_code, changed.json()["slug"], changed.json()["position"]) == (200, "none_at_all", 0)
    assert [option["slug"] for option in client.get(options).json()["results"]] == ["none_at_all", "high", "low"]
    assert (taken.status_code, taken.json()["errors"][0]["code"]) == (400, "taken")
    assert no_options.status_code == 409


def test_option_beyond_the_limit_is_refused(clients, project, severity):
    for number in range(98):
        OptionFactory(field=severity, slug=f"o{number}", position=number + 2)

    response = clients["alice"].post(f"/api/v1/fields/{severity.pk}/options/", {"name": "One more"})

    assert (response.status_code, response.json()["detail"]) == (409, "A field has at most 100 options.")


def test_database_refuses_values_of_another_kind(project, severity, task):
    number = FieldFactory(project=project, kind="number", key="cost")
    other = OptionFactory(field=FieldFactory(project=project, kind="select"), slug="other")
    multiple = FieldFactory(project=project, kind="multi_select")
    high = severity.options.get(slug="high")
    rows = {
        "a_number_value_is_a_number": {"field": number, "text": "x"},
        "a_text_value_is_text": {"field": number, "number": 1, "text": "x"},
        "a_value_has_an_option_of_its_field": {"field": multiple, "option": other},
        "a_task_has_one_option_of_a_select_field": {"field": severity, "option": severity.options.get(slug="low")},
    }
    FieldValueFactory(task=task, field=severity, option=high)

    for name, row in rows.items():
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            FieldValueFactory(task=task, **row)
    assert CustomFieldValue.objects.count() == 1


def test_deleting_a_project_deletes_its_fields(alice):
    project = ProjectFactory(owner=alice)
    FieldFactory(project=project)

    project.delete()

    assert CustomField.objects.count() == 0
    connection.check_constraints()
