"""Every operation of the schema with API keys of every scope and project.

A new operation is closed to keys until its view declares a scope, and is tried here by itself: each test walks all operations
over one set of sample data, and rolls every request back.
"""

from __future__ import annotations

import re

import orjson
import pytest
from django.db import transaction
from django.utils import timezone

from accounts.api_keys.scopes import SCOPES
from accounts.tests.api_keys import api_key_client, create_api_key
from core.api.endpoints import endpoint_of, no_projects
from core.testing.database_state import row_write_count, table_digests
from tasks.models import Project, TimeEntry
from tasks.moving import services as moving
from tasks.project_scope import project_in_body, project_in_query, projects_of_move
from tasks.quick_add.api import projects_in_text
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

# Operations that need authentication; the others look at no key.
AUTHENTICATED = [
    operation for operation in operations() if schema_operation(operation).get("security") not in (None, [], [{}])
]
# Closed to every key, whatever its scopes: these create keys, end sessions or change who a user is.
FORBIDDEN_TO_KEYS = (
    "audit/", "operations/", "api-keys/", "service-accounts/", "sessions/", "auth/", "invitations/", "me/",
)  # fmt: skip
# The reads of an account that a key may do, with their scopes.
SCOPES_OF_ACCOUNT_READS = {"GET /api/v1/me/": "me:read", "GET /api/v1/me/timer/": "tasks:read"}
# These hold nothing of any project.
WITHOUT_PROJECT_DATA = re.compile(
    r"(GET /api/v1/(me|analytics/reports|fields|fields/{shared_field_id}|recurrence/preview)/|\w+ /api/v1/users/.*)$"
)
# Here `project` in the body is whom a filter is shared with; what it shows may be of any project.
PROJECT_AS_AUDIENCE = "saved-filters/"

pytestmark = pytest.mark.django_db

SCOPED_OPERATIONS = [operation for operation in AUTHENTICATED if required_scope(operation)]
NAMED_IN_PATH = [
    operation
    for operation in SCOPED_OPERATIONS
    if re.search(r"{(ref|label_id|entry_id|field_id)}|^(undo|tasks/bulk|tasks/bulk/delete)/$", operation.path)
]


@pytest.fixture
def request_builder(request_builder):
    """Let the timer run on the task itself, where it can be stopped."""
    TimeEntry.objects.filter(ended_at=None).update(task=request_builder.sample_values["task_id"])
    return request_builder


def project_source(operation):
    """Return what the view declares as the source of the projects that a request names."""
    return endpoint_of(operation.view.as_view()).project_source_for(operation.method)


NOT_NAMED_IN_PATH = [
    operation
    for operation in SCOPED_OPERATIONS
    if operation not in NAMED_IN_PATH and project_source(operation) is not no_projects
]


def project_locations(operation):
    """Return where the operation itself looks for `project`, as the schema says: `query`, `body` or both."""
    in_query = {"query"} if "project" in query_parameters(operation) else set()
    in_body = operation in operations_with_body() and "project" in body_fields(operation)
    in_body = in_body and not operation.path.startswith(PROJECT_AS_AUDIENCE)
    return in_query | ({"body"} if in_body else set())


def send_request(client, request_builder, operation, *, query=None, body=None):
    """Send a request and roll it back; return the response and whether a row was written."""
    with transaction.atomic():
        before = row_write_count()
        query = request_builder.query(operation) if query is None else query
        path = f"{request_builder.url(operation)}?{query}" if query else request_builder.url(operation)
        kwargs = request_kwargs(request_builder, operation)
        if body is not None:
            kwargs = {"data": orjson.dumps(body), "content_type": "application/json"}
        response = client.generic(operation.method, path, **kwargs)
        has_written = row_write_count() != before
        transaction.set_rollback(True)
    return response, has_written


@pytest.fixture
def owner_of(request, request_builder):
    """Return the user who may do everything to the object of an operation."""
    return lambda operation: request.getfixturevalue(request_builder.actor_for(operation))


@pytest.fixture
def key_client(owner_of):
    """Return a client with a key of the operation's owner; one key for each owner, scopes and projects."""
    clients = {}

    def client_for(operation, *scopes, projects=()):
        owner = owner_of(operation)
        cache_key = (owner.pk, scopes, tuple(projects))
        if cache_key not in clients:
            kwargs = {"projects": list(projects)} if projects else {}
            clients[cache_key] = api_key_client(create_api_key(owner, *scopes, **kwargs).text)
        return clients[cache_key]

    return client_for


def test_schema_names_all_scopes_and_no_others():
    assert len(SCOPED_OPERATIONS) > 40
    assert {required_scope(operation) for operation in SCOPED_OPERATIONS} == set(SCOPES)


def test_key_without_required_scope_is_refused(request_builder, key_client, db_subtest):
    for operation in AUTHENTICATED:
        client = key_client(operation, *(scope for scope in SCOPES if scope != required_scope(operation)))
        with db_subtest(str(operation)):
            response, has_written = send_request(client, request_builder, operation)

            code = "scope_missing" if required_scope(operation) else "not_for_keys"
            assert (response.status_code, response.json()["code"], has_written) == (403, code, False)


def was_let_in(response) -> bool:
    """Return whether a request succeeded, or was refused only for what the sample data are."""
    # The sample task has what a checklist item cannot hold, and the sample project is no favourite.
    return response.status_code < 300 or response.json()["code"] in {"not_convertible", "no_favourite"}


def test_key_with_required_scope_alone_is_accepted(request_builder, key_client, clients, db_subtest):
    for operation in SCOPED_OPERATIONS:
        owner, key = clients[request_builder.actor_for(operation)], key_client(operation, required_scope(operation))
        with db_subtest(str(operation)):
            by_owner, _ = send_request(owner, request_builder, operation)
            by_key, _ = send_request(key, request_builder, operation)

            assert by_key.status_code == by_owner.status_code
            assert was_let_in(by_key)


def test_key_may_do_no_more_than_its_owner(request_builder, clients, mallory, db_subtest):
    outsider, outsiders_key = clients["mallory"], api_key_client(create_api_key(mallory).text)
    for operation in SCOPED_OPERATIONS:
        with db_subtest(str(operation)):
            by_user, _ = send_request(outsider, request_builder, operation)
            by_key, has_written = send_request(outsiders_key, request_builder, operation)

            assert by_key.status_code == by_user.status_code
            assert by_key.status_code < 400 or not has_written


def test_key_for_another_project_reaches_nothing_here(request_builder, key_client, owner_of, db_subtest):
    create_other_project(owner_of)
    for operation in SCOPED_OPERATIONS:
        client = key_client(operation, projects=[other_project_key(owner_of(operation))])
        with db_subtest(str(operation)):
            response, has_written = send_request(client, request_builder, operation)

            if WITHOUT_PROJECT_DATA.match(str(operation)):
                assert response.status_code == 200
            else:
                assert (response.status_code, has_written) in {(403, False), (404, False)}
                assert response.json()["code"] in {"project_required", "not_found"}


def create_other_project(owner_of):
    """Create a project with a task for each owner of an operation."""
    for owner in {owner_of(operation) for operation in SCOPED_OPERATIONS}:
        TaskFactory(project=ProjectFactory(key=other_project_key(owner), owner=owner))


def other_project_key(owner):
    return f"ELSE{owner.handle.upper()}"


def test_key_for_this_project_reaches_what_names_it(request_builder, key_client, db_subtest):
    projects = [request_builder.sample_values["project"], request_builder.sample_values["empty"]]
    for operation in SCOPED_OPERATIONS:
        client = key_client(operation, projects=projects)
        with db_subtest(str(operation)):
            response, _ = send_request(client, request_builder, operation)

            is_in_body = "body" in project_locations(operation) and "project" in request_builder.body(operation)
            names_project = operation in NAMED_IN_PATH or is_in_body
            is_open = names_project or WITHOUT_PROJECT_DATA.match(str(operation))
            assert was_let_in(response) == bool(is_open), response.content


def test_account_operations_are_closed_to_every_key(subtests):
    for operation in AUTHENTICATED:
        if operation.path.startswith(FORBIDDEN_TO_KEYS):
            with subtests.test(str(operation)):
                assert required_scope(operation) == SCOPES_OF_ACCOUNT_READS.get(str(operation))


def test_key_for_one_project_must_name_it_in_lists(request_builder, alice, subtests):
    client = api_key_client(create_api_key(alice, projects=["OPS"]).text)
    for path in (
        "tasks/",
        "tasks/stats/",
        "labels/",
        "analytics/overview/",
        "analytics/daily/",
        "analytics/reports/time/",
    ):
        with subtests.test(path):
            statuses = [
                client.get(f"/api/v1/{path}{query}").status_code for query in ("?project=OPS", "?project=OPS0", "")
            ]

            assert statuses == [200, 404, 403]


def test_second_project_beside_the_right_one_is_refused(request_builder, alice):
    client = api_key_client(create_api_key(alice, projects=["OPS"]).text)

    assert client.get("/api/v1/tasks/?project=OPS&project=OPS0").status_code == 404
    assert client.post("/api/v1/tasks/", {"project": "OPS0", "title": "Out"}).status_code == 404
    assert client.post("/api/v1/tasks/", {"title": "Into the inbox"}).status_code == 403


def test_declared_project_source_matches_the_schema(subtests):
    for operation in SCOPED_OPERATIONS:
        with subtests.test(str(operation)):
            locations, source = project_locations(operation), project_source(operation)

            # The preview of a move has its target in the query, the move itself in the body.
            move_target = {"query" if operation.method == "GET" else "body"} if source is projects_of_move else set()
            assert ("query" in locations) == (source is project_in_query or "query" in move_target)
            assert ("body" in locations) == (source in {project_in_body, projects_in_text} or "body" in move_target)


def test_project_in_unexpected_place_is_ignored(request_builder, key_client, db_subtest):
    project = request_builder.sample_values["project"]
    for operation in NOT_NAMED_IN_PATH:
        for place in sorted({"query", "body"} - project_locations(operation)):
            client = key_client(operation, projects=[project])
            with db_subtest(f"{operation} in the {place}"):
                body = {name: value for name, value in request_builder.body(operation).items() if name != "project"}

                response, has_written = send_request(
                    client,
                    request_builder,
                    operation,
                    query=f"project={project}" if place == "query" else "",
                    body={**body, "project": project} if place == "body" else body,
                )

                assert (response.status_code, response.json()["code"]) == (403, "project_required")
                assert not has_written


def test_project_beside_the_path_opens_no_other(request_builder, key_client, owner_of, db_subtest):
    """The path alone says which project is meant; a key for another may name its own as often as it likes."""
    create_other_project(owner_of)
    for operation in NAMED_IN_PATH:
        project = other_project_key(owner_of(operation))
        client = key_client(operation, projects=[project])
        with db_subtest(str(operation)):
            response, has_written = send_request(
                client,
                request_builder,
                operation,
                query=f"project={project}",
                body={**request_builder.body(operation), "project": project},
            )

            assert response.status_code in {404, 415}
            assert not has_written


def test_object_is_not_tied_to_another_project(request_builder, alice, db_subtest):
    client = api_key_client(create_api_key(alice, projects=["OPS"]).text)
    other_task = str(TaskFactory(project=Project.objects.get(pk=request_builder.sample_values["empty"])).pk)
    task = f"/api/v1/tasks/{request_builder.sample_values['ref:tasks']}/"
    label = f"/api/v1/labels/{request_builder.sample_values['label_id']}/"
    for method, path, body in (
        ("PATCH", task, {"project": "OPS0"}),
        ("PATCH", task, {"parent": other_task}),
        ("POST", f"{task}move/", {"after": other_task}),
        ("POST", "/api/v1/tasks/", {"project": "OPS", "title": "Below another", "parent": other_task}),
        ("PATCH", label, {"project": "OPS0"}),
        ("POST", "/api/v1/projects/OPS/states/", {"project": "OPS0", "name": "Out", "category": "done"}),
    ):
        with db_subtest(f"{method} {path} {sorted(body)}"):
            before = table_digests()

            response = client.generic(method, path, orjson.dumps(body), "application/json")

            assert response.status_code == 400
            assert table_digests() == before


def test_undo_by_a_limited_key_reaches_no_task_moved_away(alice, request_builder):
    key = api_key_client(create_api_key(alice, projects=["OPS"]).text)
    other = Project.objects.get(pk=request_builder.sample_values["empty"])
    task = TaskFactory(project=Project.objects.get(key="OPS"))
    written = key.patch(f"/api/v1/tasks/{task.pk}/", {"title": "By the key"}, format="json")
    moving.move(actor=alice, ref=str(task.pk), project=other.key, now=timezone.now())
    before = table_digests()

    undone = key.post("/api/v1/undo/", {"token": written["Undo-Token"]}, format="json")

    assert (written.status_code, undone.status_code) == (200, 404)
    assert table_digests() == before
