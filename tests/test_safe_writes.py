"""Every write to a thing that exists can be made upon the version that was read, and refuses fields that it does not know.

Read from the URL resolver: a new PATCH, PUT or DELETE is tried here without anybody remembering it.
"""

from __future__ import annotations

import re

import orjson
import pytest
from django.db import transaction

from core.testing.state import fingerprint
from tests.endpoints import fields, operations, with_body

WRITES = [one for one in operations() if one.method in {"PATCH", "PUT", "DELETE"}]
EXCEPTIONS = {
    "DELETE /api/v1/sessions/{session_id}/": "A session has nothing to change, and ending one is never refused as late.",
}
CONDITIONAL = [one for one in WRITES if str(one) not in EXCEPTIONS]
# Where the version is read when that is not at the same address.
READ_AT = {
    "DELETE /api/v1/me/avatar/": "/api/v1/me/",
    "DELETE /api/v1/projects/{ref}/archive/": "/api/v1/projects/{ref}/",
}
STALE = '"999999.abcdef"'

pytestmark = pytest.mark.django_db


def write(client, operation, scene, **headers):
    """Send the write; the scene is as before when it has been answered."""
    body = scene.body(operation)
    sent = {"data": orjson.dumps(body), "content_type": "application/json"} if body else {}
    before = fingerprint()
    with transaction.atomic():
        answer = client.generic(operation.method, scene.url(operation), **sent, headers=headers)
        changed = fingerprint() != before
        transaction.set_rollback(True)
    return answer, changed


def test_there_are_writes_to_try_and_no_exception_outlives_its_reason():
    assert len(CONDITIONAL) > 15
    assert sorted(EXCEPTIONS) == sorted(set(EXCEPTIONS) & {str(one) for one in WRITES})


@pytest.mark.parametrize("operation", CONDITIONAL, ids=str)
def test_a_write_upon_another_version_is_refused_and_changes_nothing(operation, scene, clients):
    answer, changed = write(clients[scene.door(operation)], operation, scene, **{"If-Match": STALE})

    problem = answer.json()
    assert (answer.status_code, problem["code"], changed) == (412, "stale", False)
    assert isinstance(problem["version"], int)
    assert sorted(problem["current"]) == sorted(scene.body(operation)) or operation.method == "DELETE"
    assert [one["field"] for one in problem["differences"]] == list(scene.body(operation))


@pytest.mark.parametrize("operation", CONDITIONAL, ids=str)
def test_a_write_upon_the_version_that_was_read_is_done(operation, scene, clients):
    client = clients[scene.door(operation)]
    address = operation._replace(template=READ_AT.get(str(operation), operation.template))
    tag = client.get(scene.url(address))["ETag"]

    answer, changed = write(client, operation, scene, **{"If-Match": tag})

    assert re.fullmatch(r'"\d+\.[0-9a-f]+"', tag)
    assert answer.status_code in {200, 204}
    assert changed or str(operation) in READ_AT  # a project that is not archived is restored by doing nothing


@pytest.mark.parametrize("operation", [one for one in CONDITIONAL if one.method == "PATCH"], ids=str)
def test_what_was_read_is_stale_after_a_write(operation, scene, clients):
    client = clients[scene.door(operation)]
    tag = client.get(scene.url(operation))["ETag"]
    body = orjson.dumps(scene.body(operation))

    written = client.generic("PATCH", scene.url(operation), body, "application/json", headers={"If-Match": tag})
    again = client.generic("PATCH", scene.url(operation), body, "application/json", headers={"If-Match": tag})

    assert (written.status_code, again.status_code) == (200, 412)
    assert written["ETag"] != tag


@pytest.mark.parametrize("operation", with_body(), ids=str)
def test_a_field_that_is_not_known_is_refused_by_name(operation, scene, clients):
    body, client = orjson.dumps({**scene.body(operation), "nonsense": 1}), clients[scene.door(operation)]
    before = fingerprint()

    answer = client.generic(operation.method, scene.url(operation), body, "application/json")

    assert "nonsense" not in fields(operation)
    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (400, ["nonsense"])
    assert fingerprint() == before
