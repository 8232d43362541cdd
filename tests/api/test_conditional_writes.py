"""Conditional writes: every PATCH, PUT and DELETE of an existing object honours If-Match.

The operations are read from the URL resolver, so a new one is tried here by itself.
"""

from __future__ import annotations

import re

import orjson
import pytest

from core.testing.database_state import table_digests
from tests.api_operations import body_fields, operations, operations_with_body

WRITE_OPERATIONS = [operation for operation in operations() if operation.method in {"PATCH", "PUT", "DELETE"}]
EXEMPT_OPERATIONS = {
    "DELETE /api/v1/sessions/{session_id}/": "A session has nothing to change, and ending one is never refused as late.",
    "DELETE /api/v1/me/identities/{identity_id}/": "An identity has no version, and unlinking one is never refused as late.",
    "DELETE /api/v1/tasks/{ref}/reminders/{reminder_id}/": "A reminder has nothing to change, and no version.",
    "DELETE /api/v1/me/mfa/totp/": "An authenticator app has no version, and removing one is never refused as late.",
    "DELETE /api/v1/me/mfa/passkeys/{passkey_id}/": "A passkey has no version either.",
    "PATCH /api/v1/tasks/bulk/": "Many tasks are changed, each with a version of its own.",
    "DELETE /api/v1/projects/{ref}/shared-fields/{shared_field_id}/": "That a field is in a project has no version.",
    "DELETE /api/v1/saved-filters/{filter_id}/subscription/": "A subscription has nothing to change, and no version.",
    "DELETE /api/v1/tasks/{ref}/links/{link_id}/": "A link is revoked at once, and never refused as late.",
    "DELETE /api/v1/tasks/{ref}/relations/{relation_id}/": "A relation has nothing to change, and no version.",
    "DELETE /api/v1/me/calendar-feed/": "A feed's address is revoked at once, and never refused as late.",
    "PUT /api/v1/tasks/{ref}/comments/{comment_id}/reactions/{emoji}/": "A reaction has nothing to change, and no version.",
    "DELETE /api/v1/tasks/{ref}/comments/{comment_id}/reactions/{emoji}/": "A reaction has nothing to change, and no version.",
    "PUT /api/v1/tasks/{ref}/reactions/{emoji}/": "A reaction has nothing to change, and no version.",
    "DELETE /api/v1/tasks/{ref}/reactions/{emoji}/": "A reaction has nothing to change, and no version.",
    "DELETE /api/v1/trash/{entry_id}/": "An entry of the trash has nothing to change, and no version.",
}
CONDITIONAL_OPERATIONS = [operation for operation in WRITE_OPERATIONS if str(operation) not in EXEMPT_OPERATIONS]
# Where the version is read, if not at the same address.
READ_PATHS = {
    "DELETE /api/v1/me/avatar/": "/api/v1/me/",
    "DELETE /api/v1/projects/{ref}/archive/": "/api/v1/projects/{ref}/",
}
STALE_ETAG = '"999999.abcdef"'

pytestmark = pytest.mark.django_db


@pytest.fixture
def send_write(request_builder):
    def send(client, operation, **headers):
        body = request_builder.body(operation)
        kwargs = {"data": orjson.dumps(body), "content_type": "application/json"} if body else {}
        return client.generic(operation.method, request_builder.url(operation), **kwargs, headers=headers)

    return send


def test_exempt_operations_still_exist():
    assert len(CONDITIONAL_OPERATIONS) > 15
    assert set(EXEMPT_OPERATIONS) <= {str(operation) for operation in WRITE_OPERATIONS}


def test_stale_write_is_refused_and_changes_nothing(request_builder, clients, send_write, db_subtest):
    for operation in CONDITIONAL_OPERATIONS:
        client = clients[request_builder.actor_for(operation)]
        before = table_digests()
        with db_subtest(str(operation)):
            response = send_write(client, operation, **{"If-Match": STALE_ETAG})

            problem, body = response.json(), request_builder.body(operation)
            names = list(body.get("fields", body))  # custom fields are named one by one
            assert (response.status_code, problem["code"]) == (412, "version_conflict")
            assert table_digests() == before
            assert isinstance(problem["version"], int)
            assert sorted(problem["current"]) == sorted(names) or operation.method == "DELETE"
            assert [difference["field"] for difference in problem["differences"]] == names


def test_write_with_current_etag_is_done(request_builder, clients, send_write, db_subtest):
    for operation in CONDITIONAL_OPERATIONS:
        client = clients[request_builder.actor_for(operation)]
        with db_subtest(str(operation)):
            read_path = operation._replace(template=READ_PATHS.get(str(operation), operation.template))
            etag = client.get(request_builder.url(read_path))["ETag"]
            before = table_digests()

            response = send_write(client, operation, **{"If-Match": etag})

            assert re.fullmatch(r'"\d+\.[0-9a-f]+"', etag)
            assert response.status_code in {200, 204}
            # To restore a project that is not archived changes nothing.
            assert table_digests() != before or str(operation) in READ_PATHS


def test_etag_is_stale_after_a_write(request_builder, clients, send_write, db_subtest):
    for operation in CONDITIONAL_OPERATIONS:
        if operation.method == "PATCH":
            client = clients[request_builder.actor_for(operation)]
            with db_subtest(str(operation)):
                etag = client.get(request_builder.url(operation))["ETag"]

                first, second = (send_write(client, operation, **{"If-Match": etag}) for _ in range(2))

                assert (first.status_code, second.status_code) == (200, 412)
                assert first["ETag"] != etag


def test_malformed_if_match_is_refused_for_every_write(request_builder, clients, send_write, db_subtest):
    for operation in operations():
        if operation.method == "GET" or not operation.view:
            continue
        client, before = clients[request_builder.actor_for(operation)], table_digests()
        with db_subtest(str(operation)):
            response = send_write(client, operation, **{"If-Match": "7"})

            assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "If-Match")
            assert table_digests() == before


def test_unknown_field_is_refused_by_name(request_builder, clients, db_subtest):
    for operation in operations_with_body():
        client, before = clients[request_builder.actor_for(operation)], table_digests()
        with db_subtest(str(operation)):
            body = orjson.dumps({**request_builder.body(operation), "nonsense": 1})

            response = client.generic(operation.method, request_builder.url(operation), body, "application/json")

            assert "nonsense" not in body_fields(operation)
            assert (response.status_code, [error["field"] for error in response.json()["errors"]]) == (
                400,
                ["nonsense"],
            )
            assert table_digests() == before
