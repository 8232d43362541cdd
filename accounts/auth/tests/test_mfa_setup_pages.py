"""Setting up MFA on pages: the token of an authenticator app, and the name of a passkey."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator

from accounts.auth.mfa import enrollment
from accounts.auth.tests.test_mfa_pages import APP
from accounts.tests.fixtures import reauthenticated_browser
from accounts.tests.mfa import code_at
from core.testing.clock import NOW

pytestmark = pytest.mark.usefixtures("clock")
ADD = "/settings/security/passkeys/add/"


@pytest.mark.parametrize("case", ["forged", "expired", "another user's", "missing"])
def test_invalid_setup_token_is_replaced_by_a_new_secret(case, alice, bob):
    client = reauthenticated_browser(alice)
    owner = bob if case == "another user's" else alice
    started_at = NOW - timedelta(minutes=16) if case == "expired" else NOW
    setup = enrollment.begin_totp(user=owner, now=started_at)
    token = {"forged": setup.token[:-4] + "AAAA", "missing": ""}.get(case, setup.token)

    response = client.post(APP, {"setup_token": token, "code": code_at(NOW, secret=setup.secret)})

    assert response.status_code == 422
    assert response.context["setup"].secret != setup.secret
    assert "This setup has expired" in response.content.decode()
    assert Authenticator.objects.count() == 0


def test_passkey_form_proposes_a_name_and_passwordless_login(alice):
    page = reauthenticated_browser(alice).get(ADD).content.decode()

    assert 'value="Passkey 1"' in page
    assert re.search(r'name="passwordless"[^>]*checked', page)
