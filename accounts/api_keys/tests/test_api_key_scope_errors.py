"""What a key is refused, by name; and what a project's key reaches."""

from __future__ import annotations

import uuid

import pytest

from accounts.tests.api_keys import api_key_client, create_api_key
from core.testing.database_state import table_digests

pytestmark = pytest.mark.django_db


def error(answer):
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("path", ["/api/v1/sessions/", "/api/v1/api-keys/", "/api/v1/invitations/"])
def test_what_is_closed_to_keys_says_so(path, alice):
    client = api_key_client(create_api_key(alice).text)

    assert error(client.get(path)) == (403, "not_for_keys")


def test_a_missing_scope_is_named_and_nothing_is_done(alice, project):
    client = api_key_client(create_api_key(alice, "tasks:read").text)
    before = table_digests()

    answer = client.post("/api/v1/tasks/", {"title": "x", "project": "OPS"})

    assert error(answer) == (403, "scope_missing")
    assert "tasks:write" in answer.json()["detail"]
    assert table_digests() == before


def test_a_key_for_a_project_reaches_that_one_alone_and_who_its_owner_is(alice, task, project):
    client = api_key_client(create_api_key(alice, projects=["OPS"]).text)
    other = api_key_client(create_api_key(alice).text).post("/api/v1/projects/", {"key": "NEW", "name": "New"})

    assert other.status_code == 201
    assert client.get(f"/api/v1/tasks/{task.key}/").status_code == 200
    assert client.get("/api/v1/me/").status_code == 200
    assert client.get(f"/api/v1/users/{alice.pk}/").status_code in {200, 404}
    assert error(client.get("/api/v1/tasks/")) == (403, "project_required")
    assert client.get("/api/v1/projects/NEW/").status_code == 404
    assert client.get(f"/api/v1/tasks/{uuid.uuid4()}/").status_code == 404


def test_a_key_for_two_projects_reaches_each_of_them(alice, project, task):
    api_key_client(create_api_key(alice).text).post("/api/v1/projects/", {"key": "NEW", "name": "New"})
    client = api_key_client(create_api_key(alice, projects=["OPS", "NEW"]).text)

    assert [client.get(f"/api/v1/projects/{key}/").status_code for key in ("OPS", "NEW")] == [200, 200]
    assert client.get("/api/v1/tasks/", {"project": "NEW"}).status_code == 200
