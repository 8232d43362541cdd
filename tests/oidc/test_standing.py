"""A factor of the provider's is none of ours: where one is demanded here, whoever comes by a provider sets one up."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.tests.second_factors import with_passkey
from core.testing.pages import words

pytestmark = pytest.mark.django_db
HOME = "/settings/security/"


def test_somebody_who_comes_by_a_provider_sets_up_a_factor_here_first(settings, idp, browser_here):
    settings.REQUIRE_SECOND_FACTOR = "everybody"

    browser_here.walk(idp)

    assert browser_here.get("/tasks/")["Location"] == HOME
    assert "needs a second factor before you can go on" in words(browser_here.get(HOME))
    assert browser_here.get(f"{HOME}app/").status_code == 200  # there is no password to ask for once more
    with_passkey(User.objects.get())
    assert browser_here.get("/tasks/").status_code == 200
