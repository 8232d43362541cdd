"""Which key may do what: every operation of the schema by keys of every scope. A new operation is closed to keys until
its view declares a scope, and is tried here without anybody remembering it.
"""

from __future__ import annotations

import re

import orjson
import pytest
from django.db import transaction

from accounts.api_keys.scopes import SCOPES
from accounts.tests.api_keys import api_key_client, create_api_key
from core.api.endpoints import endpoint_of, no_projects
from core.testing.database_state import row_write_count, table_digests
from tasks.models import Project
from tasks.project_scope import project_in_body, project_in_query
from tasks.tests.factories import ProjectFactory, TaskFactory
from tests.api_operations import (
    body_fields,
    operations,
    operations_with_body,
    query_parameters,
    required_scope,
    schema_operation,
)
from tests.permissions.api_scenarios import request_kwargs

# An open door takes whoever comes, and looks at no key.
CLOSED_OR_SCOPED = [one for one in operations() if schema_operation(one).get("security") not in (None, [], [{}])]
# What is closed to every key, whatever it may do elsewhere: it would make keys, end sessions or change who somebody is.
FORBIDDEN_TO_KEYS = ("api-keys/", "service-accounts/", "sessions/", "auth/", "invitations/", "me/")

pytestmark = pytest.mark.django_db

SCOPED_OPERATIONS = [one for one in CLOSED_OR_SCOPED if required_scope(one)]


def project_source(operation):
    return endpoint_of(operation.view.as_view()).project_source_for(operation.method)


WITHOUT_PROJECT = [
    one
    for one in SCOPED_OPERATIONS
    if not re.search(r"{(ref|label_id)}", one.path) and project_source(one) is not no_projects
]


def expected_scope(operation):
    """Where the door itself looks for `project`, as the schema says."""
    in_query = {"query"} if "project" in query_parameters(operation) else set()
    return in_query | (
        {"body"} if operation in operations_with_body() and "project" in body_fields(operation) else set()
    )


OTHER_PROJECT_CASES = [
    (one, place) for one in WITHOUT_PROJECT for place in ("query", "body") if place not in expected_scope(one)
]


def send_request(client, request_builder, operation):
    """Send it; the scene is as before when it has been answered. Says whether anything was written meanwhile."""
    with transaction.atomic():
        before = row_write_count()
        query = request_builder.query(operation)
        path = f"{request_builder.url(operation)}?{query}" if query else request_builder.url(operation)
        answer = client.generic(operation.method, path, **request_kwargs(request_builder, operation))
        wrote = row_write_count() != before
        transaction.set_rollback(True)
    return answer, wrote


def operation_owner(operation, request):
    return request.getfixturevalue(request.getfixturevalue("request_builder").door(operation))


def test_the_schema_knows_how_a_key_is_sent_and_names_known_scopes_only():
    assert len(SCOPED_OPERATIONS) > 40
    assert {required_scope(one) for one in SCOPED_OPERATIONS} == set(SCOPES)


@pytest.mark.parametrize("operation", CLOSED_OR_SCOPED, ids=str)
def test_without_its_scope_a_key_is_refused_and_nothing_happens(operation, request_builder, request):
    others = [one for one in SCOPES if one != required_scope(operation)]
    client = api_key_client(create_api_key(operation_owner(operation, request), *others).text)

    answer, wrote = send_request(client, request_builder, operation)

    assert (answer.status_code, answer.json()["code"]) == (
        403,
        "scope_missing" if required_scope(operation) else "not_for_keys",
    )
    assert not wrote


@pytest.mark.parametrize("operation", SCOPED_OPERATIONS, ids=str)
def test_with_its_scope_alone_a_key_may_do_what_its_owner_may(operation, request_builder, request, client_of):
    owner = operation_owner(operation, request)
    client = api_key_client(create_api_key(owner, required_scope(operation)).text)

    by_owner, _ = send_request(client_of(owner), request_builder, operation)
    by_program, _ = send_request(client, request_builder, operation)

    assert by_program.status_code == by_owner.status_code < 300


@pytest.mark.parametrize("operation", SCOPED_OPERATIONS, ids=str)
def test_a_key_may_do_no_more_than_its_owner(operation, request_builder, clients, mallory):
    stranger = api_key_client(create_api_key(mallory).text)

    by_owner, _ = send_request(clients["mallory"], request_builder, operation)
    by_program, wrote = send_request(stranger, request_builder, operation)

    assert by_program.status_code == by_owner.status_code
    assert by_program.status_code < 400 or not wrote


@pytest.mark.parametrize("operation", SCOPED_OPERATIONS, ids=str)
def test_a_key_for_another_project_reaches_nothing_of_this_one(operation, request_builder, request):
    owner = operation_owner(operation, request)
    elsewhere = ProjectFactory(key="ELSE", owner=owner)
    TaskFactory(project=elsewhere)
    client = api_key_client(create_api_key(owner, projects=["ELSE"]).text)

    answer, wrote = send_request(client, request_builder, operation)

    if operation.path.startswith(("me/", "users/")):  # these hold nothing of any project
        assert answer.status_code == 200
        return
    assert (answer.status_code, wrote) in {(403, False), (404, False)}
    assert answer.json()["code"] in {"project_required", "not_found"}


@pytest.mark.parametrize("operation", SCOPED_OPERATIONS, ids=str)
def test_a_key_for_this_project_reaches_what_names_it(operation, request_builder, request):
    owner = operation_owner(operation, request)
    client = api_key_client(
        create_api_key(
            owner, projects=[request_builder.sample_values["project"], request_builder.sample_values["empty"]]
        ).text
    )

    answer, _ = send_request(client, request_builder, operation)

    names_one = re.search(r"{(ref|label_id)}", operation.path) or "project" in request_builder.body(operation)
    of_none = operation.path.startswith(("me/", "users/"))
    assert (answer.status_code < 300) == bool(names_one or of_none), answer.content


@pytest.mark.parametrize(
    "operation", [one for one in CLOSED_OR_SCOPED if one.path.startswith(FORBIDDEN_TO_KEYS)], ids=str
)
def test_what_makes_keys_or_changes_who_somebody_is_is_closed_to_every_key(operation):
    assert required_scope(operation) == ("me:read" if str(operation) == "GET /api/v1/me/" else None)


@pytest.mark.parametrize("path", ["tasks/", "tasks/stats/", "labels/", "analytics/overview/", "analytics/daily/"])
def test_a_key_for_one_project_asks_a_list_for_that_project(path, request_builder, alice):
    client = api_key_client(create_api_key(alice, projects=["OPS"]).text)

    named, other, every = (client.get(f"/api/v1/{path}{query}") for query in ("?project=OPS", "?project=OPS0", ""))

    assert (named.status_code, other.status_code, every.status_code) == (200, 404, 403)


def test_a_second_project_beside_the_right_one_is_no_way_out(request_builder, alice):
    client = api_key_client(create_api_key(alice, projects=["OPS"]).text)

    assert client.get("/api/v1/tasks/?project=OPS&project=OPS0").status_code == 404
    assert client.post("/api/v1/tasks/", {"project": "OPS0", "title": "Out"}).status_code == 404
    assert client.post("/api/v1/tasks/", {"title": "Into the inbox"}).status_code == 403


def test_project_counts_exactly_where_a_door_looks_for_it():
    by_query = {(one.method, one.path) for one in SCOPED_OPERATIONS if "query" in expected_scope(one)}
    by_body = {(one.method, one.path) for one in SCOPED_OPERATIONS if "body" in expected_scope(one)}

    assert by_query == {(one.method, one.path) for one in SCOPED_OPERATIONS if project_source(one) is project_in_query}
    assert by_body == {(one.method, one.path) for one in SCOPED_OPERATIONS if project_source(one) is project_in_body}


@pytest.mark.parametrize(("operation", "place"), OTHER_PROJECT_CASES, ids=str)
def test_project_where_no_door_looks_for_it_opens_nothing(operation, place, request_builder, request):
    owner = operation_owner(operation, request)
    key = request_builder.sample_values["project"]
    client = api_key_client(create_api_key(owner, projects=[key]).text)
    words = {name: value for name, value in request_builder.body(operation).items() if name != "project"}
    body = {**words, "project": key} if place == "body" else words
    path = request_builder.url(operation) + (f"?project={key}" if place == "query" else "")
    before = table_digests()

    answer = client.generic(operation.method, path, data=orjson.dumps(body), content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (403, "project_required")
    assert table_digests() == before


@pytest.mark.parametrize(
    "operation", [one for one in SCOPED_OPERATIONS if "{ref}" in one.path or "{label_id}" in one.path], ids=str
)
def test_a_project_beside_the_path_is_no_way_into_another(operation, request_builder, request):
    """The path alone says where; a key for elsewhere may name its own project as often as it likes."""
    owner = operation_owner(operation, request)
    ProjectFactory(key="ELSE", owner=owner)
    client = api_key_client(create_api_key(owner, projects=["ELSE"]).text)
    body = orjson.dumps({**request_builder.body(operation), "project": "ELSE"})
    before = table_digests()

    answer = client.generic(
        operation.method, f"{request_builder.url(operation)}?project=ELSE", data=body, content_type="application/json"
    )

    assert answer.status_code in {404, 415}
    assert table_digests() == before


def test_what_is_in_another_project_is_not_tied_to_this_one(request_builder, alice):
    client = api_key_client(create_api_key(alice, projects=["OPS"]).text)
    other = str(TaskFactory(project=Project.objects.get(pk=request_builder.sample_values["empty"])).pk)
    task = f"/api/v1/tasks/{request_builder.sample_values['ref:tasks']}/"
    before = table_digests()

    answers = [
        client.patch(task, {"project": "OPS0"}),
        client.patch(task, {"parent": other}),
        client.post(f"{task}move/", {"after": other}),
        client.post("/api/v1/tasks/", {"project": "OPS", "title": "Below another", "parent": other}),
        client.patch(f"/api/v1/labels/{request_builder.sample_values['label_id']}/", {"project": "OPS0"}),
        client.post("/api/v1/projects/OPS/states/", {"project": "OPS0", "name": "Out", "category": "done"}),
    ]

    assert [one.status_code for one in answers] == [400] * 6
    assert table_digests() == before
