"""REQUIRE_MFA applies to users of a provider too. Two-factor authentication at the provider doesn't count."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.tests.mfa import with_passkey
from core.testing.page_client import visible_text

pytestmark = pytest.mark.django_db
HOME_PATH = "/settings/security/"


def test_provider_user_must_set_up_mfa_here_first(settings, idp, oidc_browser):
    settings.REQUIRE_MFA = "everybody"

    oidc_browser.sign_in(idp)

    assert oidc_browser.get("/tasks/")["Location"] == HOME_PATH
    assert "Set up two-factor authentication to continue" in visible_text(oidc_browser.get(HOME_PATH))
    assert oidc_browser.get(f"{HOME_PATH}app/").status_code == 200  # no reauthentication, because there is no password
    with_passkey(User.objects.get())
    assert oidc_browser.get("/tasks/").status_code == 200
