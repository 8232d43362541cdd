"""The doors that answer with bytes: what they say to a caller who asks what one may do there."""

from __future__ import annotations

import pytest

from accounts.tests.factories import AvatarFactory

NOBODYS = "0190f3a2-7b1c-7d3e-8f4a-5b6c7d8e9f01"
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/api/v1/users/{}/avatar/", f"/api/v1/me/exports/{NOBODYS}/archive/"])
def test_a_door_of_bytes_names_its_methods_and_has_no_other_words_for_itself(path, alice, clients):
    AvatarFactory(user=alice)

    answer = clients["alice"].options(path.format(alice.pk))

    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    assert answer["Allow"] == "GET, HEAD"
