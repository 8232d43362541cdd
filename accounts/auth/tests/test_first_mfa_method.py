"""Adding the first MFA method signs out of all other devices."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator

from accounts.auth.tests.test_mfa_pages import APP
from accounts.auth.tests.test_revert_login_method import add_totp
from accounts.models import Session
from accounts.tests.factories import SessionFactory
from accounts.tests.fixtures import reauthenticated_browser
from accounts.tests.mfa import with_passkey
from core.testing.page_client import logged_in_client, visible_text

pytestmark = pytest.mark.usefixtures("clock")


def test_first_mfa_method_revokes_all_other_sessions(alice):
    other = logged_in_client(alice)
    api_session = SessionFactory(user=alice)

    current = add_totp(alice)

    assert "signed out on all other devices" in visible_text(current.get("/settings/security/"))
    assert [browser.get("/").status_code for browser in (current, other)] == [200, 302]
    assert Session.objects.get(pk=api_session.pk).revoked_at is not None


def test_second_mfa_method_revokes_no_session(alice):
    other, client = logged_in_client(alice), reauthenticated_browser(alice)
    with_passkey(alice)

    current = add_totp(alice, client)

    assert [browser.get("/").status_code for browser in (current, other)] == [200, 200]


def test_wrong_setup_code_revokes_no_session(alice):
    other, client = logged_in_client(alice), reauthenticated_browser(alice)
    client.get(APP)

    client.post(APP, {"code": "000000"})

    assert other.get("/").status_code == 200
    assert Authenticator.objects.count() == 0
