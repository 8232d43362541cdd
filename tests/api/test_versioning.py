"""A second version of the API beside the first, and a door that says when it will close."""

from __future__ import annotations

import pytest
from drf_spectacular.generators import SchemaGenerator

from accounts.tests.fixtures import token_of
from config.asgi import application
from core.testing.asgi import send_request
from tests.api import v2_urls

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.v2_urls")]


def test_each_version_has_its_own_shape_of_the_same_thing(clients, alice):
    first, second = clients["alice"].get("/api/v1/me/"), clients["alice"].get("/api/v2/me/")

    assert first.json()["name"] == alice.name
    assert second.json() == {"display_name": alice.name}


def test_what_did_not_change_is_the_same_in_both_and_so_are_the_rules(clients, task):
    first, second = (clients["alice"].get(f"/api/{version}/tasks/OPS-1/") for version in ("v1", "v2"))
    written = clients["alice"].patch("/api/v2/tasks/OPS-1/", {"title": "New"}, headers={"If-Match": first["ETag"]})
    stale = clients["alice"].patch("/api/v1/tasks/OPS-1/", {"title": "Old"}, headers={"If-Match": second["ETag"]})
    hidden = clients["mallory"].get("/api/v2/tasks/OPS-1/")

    assert first.content == second.content
    assert (written.status_code, stale.status_code, hidden.status_code) == (200, 412, 404)
    assert (hidden["Content-Type"], hidden.json()["instance"]) == ("application/problem+json", "/api/v2/tasks/OPS-1/")


@pytest.mark.django_db(transaction=True)
def test_the_gateway_limits_both_versions_together(alice):
    bearer = {"authorization": f"Bearer {token_of(alice)}"}

    answers = [send_request(application, "GET", f"/api/{version}/me/", headers=bearer) for version in ("v1", "v2")]

    assert [answer.status for answer in answers] == [200, 200]
    left = [int(answer.headers["ratelimit"].split("r=")[1].split(";")[0]) for answer in answers]
    assert left[1] == left[0] - 1


def test_a_door_that_is_to_close_says_so_in_every_answer(clients, client):
    good, refused = clients["alice"].get("/api/v1/me/"), client.get("/api/v1/me/")

    for answer, status in ((good, 200), (refused, 401)):
        assert answer.status_code == status
        assert answer["Deprecation"] == "@1777887000"
        assert answer["Sunset"] == "Tue, 04 May 2027 00:00:00 GMT"
        assert answer["Link"] == '<https://tasks.example.com/docs/v2>; rel="deprecation"; type="text/html"'


@pytest.mark.parametrize("path", ["/api/v2/me/", "/api/v1/projects/"])
def test_the_others_say_nothing_of_the_kind(path, clients):
    answer = clients["alice"].get(path)

    assert {"Deprecation", "Sunset", "Link"} & set(answer.headers) == set()


def test_the_schema_tells_the_two_apart():
    paths = SchemaGenerator(patterns=v2_urls.me_urlpatterns).get_schema(request=None, public=True)["paths"]

    assert paths["/api/v1/me/"]["get"]["deprecated"] is True
    assert "deprecated" not in paths["/api/v2/me/"]["get"]
    assert paths["/api/v2/me/"]["get"]["tags"] == ["me"]
