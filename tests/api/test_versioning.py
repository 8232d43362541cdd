"""A second version of the API beside the first, and the sunset of an endpoint."""

from __future__ import annotations

import pytest
from drf_spectacular.generators import SchemaGenerator

from accounts.tests.fixtures import token_of
from config.asgi import application
from core.testing.asgi import send_request
from tests.api import v2_urls

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.v2_urls")]


def test_versions_represent_the_same_object_differently(clients, alice):
    first, second = clients["alice"].get("/api/v1/me/"), clients["alice"].get("/api/v2/me/")

    assert first.json()["name"] == alice.name
    assert second.json() == {"display_name": alice.name}


def test_unchanged_endpoints_are_shared_by_both_versions(clients, task):
    first, second = (clients["alice"].get(f"/api/{version}/tasks/OPS-1/") for version in ("v1", "v2"))
    written = clients["alice"].patch("/api/v2/tasks/OPS-1/", {"title": "New"}, headers={"If-Match": first["ETag"]})
    stale = clients["alice"].patch("/api/v1/tasks/OPS-1/", {"title": "Old"}, headers={"If-Match": second["ETag"]})
    hidden = clients["mallory"].get("/api/v2/tasks/OPS-1/")

    assert first.content == second.content
    assert (written.status_code, stale.status_code, hidden.status_code) == (200, 412, 404)
    assert (hidden["Content-Type"], hidden.json()["instance"]) == ("application/problem+json", "/api/v2/tasks/OPS-1/")


@pytest.mark.django_db(transaction=True)
def test_gateway_limits_both_versions_together(alice):
    bearer = {"authorization": f"Bearer {token_of(alice)}"}

    responses = [send_request(application, "GET", f"/api/{version}/me/", headers=bearer) for version in ("v1", "v2")]

    assert [response.status for response in responses] == [200, 200]
    remaining = [int(response.headers["ratelimit"].split("r=")[1].split(";")[0]) for response in responses]
    assert remaining[1] == remaining[0] - 1


def test_deprecated_endpoint_says_so_in_every_response(clients, client):
    ok, unauthenticated = clients["alice"].get("/api/v1/me/"), client.get("/api/v1/me/")

    for response, status in ((ok, 200), (unauthenticated, 401)):
        assert response.status_code == status
        assert response["Deprecation"] == "@1777887000"
        assert response["Sunset"] == "Tue, 04 May 2027 00:00:00 GMT"
        assert response["Link"] == '<https://tasks.example.com/docs/v2>; rel="deprecation"; type="text/html"'


@pytest.mark.parametrize("path", ["/api/v2/me/", "/api/v1/projects/"])
def test_other_endpoints_are_not_deprecated(path, clients):
    response = clients["alice"].get(path)

    assert {"Deprecation", "Sunset", "Link"} & set(response.headers) == set()


def test_schema_marks_the_deprecated_version():
    paths = SchemaGenerator(patterns=v2_urls.me_urlpatterns).get_schema(request=None, public=True)["paths"]

    assert paths["/api/v1/me/"]["get"]["deprecated"] is True
    assert "deprecated" not in paths["/api/v2/me/"]["get"]
    assert paths["/api/v2/me/"]["get"]["tags"] == ["me"]
