"""Every write to a thing that exists can be made upon the version that was read, and refuses fields that it does not know.

Read from the URL resolver: a new PATCH, PUT or DELETE is tried here without anybody remembering it.
"""

from __future__ import annotations

import re

import orjson
import pytest
from django.db import transaction

from core.testing.database_state import table_digests
from tests.api_operations import body_fields, operations, operations_with_body

WRITE_OPERATIONS = [one for one in operations() if one.method in {"PATCH", "PUT", "DELETE"}]
EXEMPT_OPERATIONS = {
    "DELETE /api/v1/sessions/{session_id}/": "A session has nothing to change, and ending one is never refused as late.",
}
CONDITIONAL_OPERATIONS = [one for one in WRITE_OPERATIONS if str(one) not in EXEMPT_OPERATIONS]
# Where the version is read when that is not at the same address.
READ_OPERATIONS = {
    "DELETE /api/v1/me/avatar/": "/api/v1/me/",
    "DELETE /api/v1/projects/{ref}/archive/": "/api/v1/projects/{ref}/",
}
STALE_ETAG = '"999999.abcdef"'

pytestmark = pytest.mark.django_db


def send_write(client, operation, request_builder, **headers):
    """Send the write; the scene is as before when it has been answered."""
    body = request_builder.body(operation)
    sent = {"data": orjson.dumps(body), "content_type": "application/json"} if body else {}
    before = table_digests()
    with transaction.atomic():
        answer = client.generic(operation.method, request_builder.url(operation), **sent, headers=headers)
        changed = table_digests() != before
        transaction.set_rollback(True)
    return answer, changed


def test_there_are_writes_to_try_and_no_exception_outlives_its_reason():
    assert len(CONDITIONAL_OPERATIONS) > 15
    assert sorted(EXEMPT_OPERATIONS) == sorted(set(EXEMPT_OPERATIONS) & {str(one) for one in WRITE_OPERATIONS})


@pytest.mark.parametrize("operation", CONDITIONAL_OPERATIONS, ids=str)
def test_a_write_upon_another_version_is_refused_and_changes_nothing(operation, request_builder, clients):
    answer, changed = send_write(
        clients[request_builder.actor_for(operation)], operation, request_builder, **{"If-Match": STALE_ETAG}
    )

    problem = answer.json()
    assert (answer.status_code, problem["code"], changed) == (412, "stale", False)
    assert isinstance(problem["version"], int)
    assert sorted(problem["current"]) == sorted(request_builder.body(operation)) or operation.method == "DELETE"
    assert [one["field"] for one in problem["differences"]] == list(request_builder.body(operation))


@pytest.mark.parametrize("operation", CONDITIONAL_OPERATIONS, ids=str)
def test_a_write_upon_the_version_that_was_read_is_done(operation, request_builder, clients):
    client = clients[request_builder.actor_for(operation)]
    address = operation._replace(template=READ_OPERATIONS.get(str(operation), operation.template))
    tag = client.get(request_builder.url(address))["ETag"]

    answer, changed = send_write(client, operation, request_builder, **{"If-Match": tag})

    assert re.fullmatch(r'"\d+\.[0-9a-f]+"', tag)
    assert answer.status_code in {200, 204}
    assert changed or str(operation) in READ_OPERATIONS  # a project that is not archived is restored by doing nothing


@pytest.mark.parametrize("operation", [one for one in CONDITIONAL_OPERATIONS if one.method == "PATCH"], ids=str)
def test_what_was_read_is_stale_after_a_write(operation, request_builder, clients):
    client = clients[request_builder.actor_for(operation)]
    tag = client.get(request_builder.url(operation))["ETag"]
    body = orjson.dumps(request_builder.body(operation))

    written = client.generic(
        "PATCH", request_builder.url(operation), body, "application/json", headers={"If-Match": tag}
    )
    again = client.generic("PATCH", request_builder.url(operation), body, "application/json", headers={"If-Match": tag})

    assert (written.status_code, again.status_code) == (200, 412)
    assert written["ETag"] != tag


@pytest.mark.parametrize("operation", operations_with_body(), ids=str)
def test_a_field_that_is_not_known_is_refused_by_name(operation, request_builder, clients):
    body, client = (
        orjson.dumps({**request_builder.body(operation), "nonsense": 1}),
        clients[request_builder.actor_for(operation)],
    )
    before = table_digests()

    answer = client.generic(operation.method, request_builder.url(operation), body, "application/json")

    assert "nonsense" not in body_fields(operation)
    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (400, ["nonsense"])
    assert table_digests() == before
