"""Errors of requests with an API key, and the reach of project keys."""

from __future__ import annotations

import uuid

import pytest

from accounts.tests.api_keys import api_key_client, create_api_key
from core.testing.database_state import table_digests

pytestmark = pytest.mark.django_db


def status_and_code(response):
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize("path", ["/api/v1/sessions/", "/api/v1/api-keys/", "/api/v1/invitations/"])
def test_endpoint_closed_to_keys_says_so(path, alice):
    client = api_key_client(create_api_key(alice).text)

    assert status_and_code(client.get(path)) == (403, "not_for_keys")


def test_missing_scope_is_named(alice, project):
    client = api_key_client(create_api_key(alice, "tasks:read").text)
    before = table_digests()

    response = client.post("/api/v1/tasks/", {"title": "x", "project": "OPS"})

    assert status_and_code(response) == (403, "scope_missing")
    assert "tasks:write" in response.json()["detail"]
    assert table_digests() == before


def test_project_key_reaches_only_its_project_and_its_owner(alice, task, project):
    client = api_key_client(create_api_key(alice, projects=["OPS"]).text)
    other = api_key_client(create_api_key(alice).text).post("/api/v1/projects/", {"key": "NEW", "name": "New"})

    assert other.status_code == 201
    assert client.get(f"/api/v1/tasks/{task.key}/").status_code == 200
    assert client.get("/api/v1/me/").status_code == 200
    assert client.get(f"/api/v1/users/{alice.pk}/").status_code in {200, 404}
    assert status_and_code(client.get("/api/v1/tasks/")) == (403, "project_required")
    assert client.get("/api/v1/projects/NEW/").status_code == 404
    assert client.get(f"/api/v1/tasks/{uuid.uuid4()}/").status_code == 404


def test_project_key_with_two_projects_reaches_both(alice, project, task):
    api_key_client(create_api_key(alice).text).post("/api/v1/projects/", {"key": "NEW", "name": "New"})
    client = api_key_client(create_api_key(alice, projects=["OPS", "NEW"]).text)

    assert [client.get(f"/api/v1/projects/{key}/").status_code for key in ("OPS", "NEW")] == [200, 200]
    assert client.get("/api/v1/tasks/", {"project": "NEW"}).status_code == 200
