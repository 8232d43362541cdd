from __future__ import annotations

import pytest

from accounts.tests.factories import UserFactory
from core.testing.database_state import table_digests
from tasks.custom_fields import selectors, services
from tasks.items.tests.test_create_task import changed_since
from tasks.models import CustomFieldValue, Task
from tasks.tests.factories import FieldFactory, OptionFactory, ProjectFactory, TaskFactory, TaskShareFactory

URL = "/api/v1/tasks/OPS-1/fields/"
KINDS = ("text", "number", "date", "select", "multi_select", "person", "url", "checkbox")

pytestmark = pytest.mark.django_db


@pytest.fixture
def fields(project):
    """A field of each kind, with the kind as its key."""
    made = {kind: FieldFactory(project=project, kind=kind, key=kind) for kind in KINDS}
    for kind in ("select", "multi_select"):
        for slug in ("low", "high", "top"):
            OptionFactory(field=made[kind], slug=slug)
    return made


@pytest.fixture
def values(bob):
    return {
        "text": "Två rader\n— 行",
        "number": 1234567890.12,
        "date": "2028-02-29",
        "select": "high",
        "multi_select": ["low", "top"],
        "person": str(bob.pk),
        "url": "https://example.com/a?b=c#d",
        "checkbox": True,
    }


def test_values_of_every_kind_are_kept(clients, fields, values, task, outbox):
    response = clients["bob"].patch(URL, {"fields": values})

    assert (response.status_code, response.json()) == (200, {"fields": values, "version": 2})
    read = clients["alice"].get(URL)
    assert (read.json(), read["ETag"]) == (response.json(), response["ETag"])
    changes = outbox.only("task.updated")["changes"]
    empty = dict.fromkeys(KINDS) | {"checkbox": False}
    assert changes == {f"field.{kind}": [empty[kind], value] for kind, value in values.items()}
    assert clients["bob"].get("/api/v1/tasks/OPS-1/").json()["version"] == 2


def test_null_clears_values_and_others_stay(clients, fields, values, task, outbox):
    clients["bob"].patch(URL, {"fields": values})

    stored = clients["bob"].patch(URL, {"fields": {"text": None, "multi_select": [], "checkbox": None}}).json()
    same = clients["bob"].patch(URL, {"fields": {"number": 1234567890.12}}).json()
    cleared = clients["bob"].patch(URL, {"fields": dict.fromkeys(KINDS)}).json()

    assert stored["fields"] == values | {"text": None, "multi_select": None, "checkbox": False}
    assert (stored["version"], same["version"], cleared["version"]) == (3, 3, 4)
    assert cleared["fields"] == dict.fromkeys(KINDS) | {"checkbox": False}
    assert CustomFieldValue.objects.count() == 0


@pytest.mark.parametrize(
    ("key", "bad"),
    [
        ("text", ["", "  ", "x" * 2001, 12, ["a"], {"a": 1}]),
        ("number", ["12", True, 1e15, 1234567890123456, 0.1234567, 1e308, [1]]),
        ("date", ["2026-02-29", "2026-2-1", "0001-01-01", 20260101, "2026-05-04T00:00:00Z"]),
        ("select", ["missing", "", 1, ["high"]]),
        ("multi_select", ["high", ["high", "missing"], [1], ["low"] * 4]),
        ("person", ["bob", 1, "00000000-0000-0000-0000-000000000000"]),
        ("url", ["javascript:alert(1)", "ftp://x.example", "https://", "https://a b", "example.com", "https://[", 1]),
        ("checkbox", ["true", 1, []]),
        ("missing", ["x", None]),
    ],
)
def test_wrong_value_is_rejected_and_changes_nothing(key, bad, clients, fields, task):
    client, before = clients["bob"], table_digests()

    for value in bad:
        response = client.patch(URL, {"fields": {"text": "not saved", key: value}})

        errors = [error["field"] for error in response.json().get("errors", [])]
        assert (response.status_code, errors) == (400, [f"fields.{key}"]), value
    assert changed_since(before) == set()


def test_value_limit_is_named(clients, fields, task):
    texts = {
        key: clients["bob"].patch(URL, {"fields": {key: value}}).json()["errors"][0]["message"]
        for key, value in {"text": "x" * 2001, "number": 1234567890123456}.items()
    }

    assert texts == {
        "text": "Text: at most 2,000 characters.",
        "number": "Number: at most 15 digits, 6 of them after the point.",
    }


def test_only_members_are_accepted_as_persons(clients, fields, task, mallory, carol):
    client, before = clients["bob"], table_digests()

    responses = [client.patch(URL, {"fields": {"person": str(user.pk)}}) for user in (mallory, carol)]

    assert [r.json()["errors"][0]["code"] for r in responses] == ["not_a_member"] * 2
    assert changed_since(before) == set()


def test_stale_version_is_rejected_with_both_values(clients, fields, task):
    client = clients["bob"]
    client.patch(URL, {"fields": {"number": 1}}, headers={"If-Match": '"1"'})
    before = table_digests()

    stale = client.patch(URL, {"fields": {"number": 2}}, headers={"If-Match": '"1"'})

    assert (stale.status_code, stale.json()["current"]) == (412, {"number": 1})
    assert changed_since(before) == set()


def test_options_are_found_by_id_and_name(clients, fields, task):
    top = fields["select"].options.get(slug="top")

    by_id = clients["bob"].patch(URL, {"fields": {"select": str(top.pk)}}).json()
    by_name = clients["bob"].patch(URL, {"fields": {"select": " HIGH "}}).json()

    assert (by_id["fields"]["select"], by_name["fields"]["select"]) == ("top", "high")


def test_required_value_cannot_be_cleared(clients, fields, task):
    fields["text"].required = True
    fields["text"].save()
    client = clients["bob"]
    # A task that has none goes on as it is.
    other = client.patch(URL, {"fields": {"number": 1, "text": None}})
    client.patch(URL, {"fields": {"text": "given"}})
    before = table_digests()

    cleared = client.patch(URL, {"fields": {"text": None}})

    assert (other.status_code, cleared.status_code) == (200, 400)
    assert cleared.json()["errors"][0]["code"] == "required"
    assert changed_since(before) == set()


def test_new_task_has_given_values_and_defaults(clients, fields, project):
    for key, default in {"number": 5, "select": "low", "multi_select": ["top"]}.items():
        fields[key].default = default
        fields[key].save()

    response = clients["bob"].post(
        "/api/v1/tasks/", {"project": "OPS", "title": "New", "fields": {"text": "a", "number": None}}
    )

    assert response.status_code == 201
    values = clients["bob"].get(f"/api/v1/tasks/{response.json()['id']}/fields/").json()["fields"]
    assert {key: value for key, value in values.items() if value} == {
        "text": "a",
        "select": "low",
        "multi_select": ["top"],
    }


def test_new_task_without_required_value_is_rejected(clients, fields, project):
    fields["text"].required = True
    fields["text"].save()
    client, before = clients["bob"], table_digests()

    responses = [
        client.post("/api/v1/tasks/", {"project": "OPS", "title": "New", **extra})
        for extra in ({}, {"fields": {"text": None}}, {"fields": {"text": "a", "missing": 1}}, {"fields": []})
    ]

    assert [(r.status_code, r.json()["errors"][0]["field"]) for r in responses] == [
        (400, "fields.text"),
        (400, "fields.text"),
        (400, "fields.missing"),
        (400, "fields"),
    ]
    assert changed_since(before) == set()


def test_guest_reads_values_of_a_shared_task(clients, client_of, fields, values, task):
    clients["bob"].patch(URL, {"fields": values})
    guest = TaskShareFactory(task=task, user=UserFactory(), role="editor").user
    before = table_digests()

    read = client_of(guest).get(URL)
    written = client_of(guest).patch(URL, {"fields": {"text": "x"}})

    assert (read.status_code, read.json()["fields"]) == (200, values)
    assert written.status_code == 403
    assert changed_since(before) == set()


def test_values_cost_the_same_queries_for_many_fields(clients, project, task, queries):
    first = FieldFactory(project=project, key="first")
    client = clients["bob"]
    client.patch(URL, {"fields": {"first": "warm"}})
    with queries() as read:
        client.get(URL)
    with queries() as written:
        client.patch(URL, {"fields": {"first": "a"}})
    many = {f"f{n}": FieldFactory(project=project, key=f"f{n}") for n in range(30)}

    with queries(equal_to=read):
        client.get(URL)
    with queries(equal_to=written):
        client.patch(URL, {"fields": {first.key: "b"} | dict.fromkeys(many, "x")})


def test_project_without_fields_costs_no_query_at_creation(clients, project, queries):
    client = clients["bob"]
    client.post("/api/v1/tasks/", {"project": "OPS", "title": "warm"})

    with queries() as log:
        client.post("/api/v1/tasks/", {"project": "OPS", "title": "New"})

    assert [sql for sql in log.statements if "customfield" in sql] == []


def test_values_are_copied_and_named_where_they_cannot_go(clients, fields, values, task, alice, bob):
    clients["bob"].patch(URL, {"fields": values})
    project = ProjectFactory(owner=alice)
    project.project_fields.create(field=fields["text"], key="text")
    copy, elsewhere = TaskFactory(project=task.project), TaskFactory(project=project)

    for target in (copy, elsewhere):
        services.copy_values(task, target)

    assert selectors.get_task_values(alice, str(copy.pk)).fields == values
    assert selectors.get_task_values(alice, str(elsewhere.pk)).fields == {"text": values["text"]}
    lost = selectors.values_that_cannot_move(task, project)
    assert [item.field.key for item in lost] == [kind for kind in KINDS if kind != "text"]


def test_restored_task_has_its_values_in_the_fields_of_now(clients, fields, values, task):
    client = clients["alice"]
    client.patch(URL, {"fields": values | {"text": "https://example.com"}})
    client.delete("/api/v1/tasks/OPS-1/")
    client.patch(f"/api/v1/projects/OPS/fields/{fields['text'].pk}/", {"kind": "url"})
    client.patch(f"/api/v1/projects/OPS/fields/{fields['select'].pk}/", {"kind": "multi_select"})
    top = fields["multi_select"].options.get(slug="top")
    client.delete(f"/api/v1/fields/{fields['multi_select'].pk}/options/{top.pk}/")
    client.delete(f"/api/v1/projects/OPS/fields/{fields['number'].pk}/")

    entry = client.get("/api/v1/trash/?kind=task").json()["results"][0]
    restored = client.post(f"/api/v1/trash/{entry['id']}/restore/")

    assert restored.status_code == 200, restored.json()
    expected = values | {"text": "https://example.com", "select": ["high"], "multi_select": ["low"]}
    del expected["number"]
    assert client.get(URL).json()["fields"] == expected


def test_undo_restores_former_values(clients, fields, task):
    client = clients["bob"]
    client.patch(URL, {"fields": {"number": 1, "multi_select": ["low"]}})
    changed = client.patch(URL, {"fields": {"number": 2, "multi_select": None}})
    client.patch(URL, {"fields": {"text": "other"}})

    undone = client.post("/api/v1/undo/", {"token": changed["Undo-Token"]})
    undone_version = client.get(URL).json()["version"]
    values = client.get(URL).json()["fields"]
    again = client.post("/api/v1/undo/", {"token": changed["Undo-Token"]})

    assert undone.status_code == 200
    assert (values["number"], values["multi_select"], values["text"]) == (1, ["low"], "other")
    # Undone already, so nothing changes.
    assert (again.status_code, client.get(URL).json()["version"]) == (200, undone_version)


def test_deleting_a_task_deletes_its_values(clients, fields, values, task):
    clients["bob"].patch(URL, {"fields": values})

    clients["alice"].delete("/api/v1/tasks/OPS-1/")

    assert (Task.objects.count(), CustomFieldValue.objects.count()) == (0, 0)
