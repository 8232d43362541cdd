"""A factor of the provider's is none of ours: where one is demanded here, whoever comes by a provider sets one up."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.tests.mfa import with_passkey
from core.testing.page_client import visible_text

pytestmark = pytest.mark.django_db
HOME_PATH = "/settings/security/"


def test_somebody_who_comes_by_a_provider_sets_up_a_factor_here_first(settings, idp, oidc_browser):
    settings.REQUIRE_MFA = "everybody"

    oidc_browser.sign_in(idp)

    assert oidc_browser.get("/tasks/")["Location"] == HOME_PATH
    assert "Set up two-factor authentication to continue" in visible_text(oidc_browser.get(HOME_PATH))
    assert oidc_browser.get(f"{HOME_PATH}app/").status_code == 200  # there is no password to ask for once more
    with_passkey(User.objects.get())
    assert oidc_browser.get("/tasks/").status_code == 200
