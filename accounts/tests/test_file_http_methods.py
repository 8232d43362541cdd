"""OPTIONS of endpoints that serve files."""

from __future__ import annotations

import pytest

from accounts.tests.factories import AvatarFactory

UNKNOWN_ID = "0190f3a2-7b1c-7d3e-8f4a-5b6c7d8e9f01"
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/api/v1/users/{}/avatar/", f"/api/v1/me/exports/{UNKNOWN_ID}/archive/"])
def test_file_endpoint_answers_options_with_its_methods(path, alice, clients):
    AvatarFactory(user=alice)

    response = clients["alice"].options(path.format(alice.pk))

    assert (response.status_code, response["Content-Type"]) == (405, "application/problem+json")
    assert response["Allow"] == "GET, HEAD"
