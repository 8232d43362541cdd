"""MFA enforcement in a browser: a user is led to the set-up and continues with a passkey."""

from __future__ import annotations

import pytest
from django.test import override_settings

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from tests.browser.test_account_flows import AUTHENTICATOR_OPTIONS, BrowserSession

MFA_NOTICE = "Set up two-factor authentication to continue."


@pytest.fixture
def mfa_required():
    with override_settings(REQUIRE_MFA="staff"):
        yield


def test_staff_must_set_up_mfa_and_continue_with_passkey(clean_database, mfa_required, open_page):
    ada = UserFactory(handle="ada", name="Ada Admin", role=User.Role.ADMIN)
    page = open_page(ada)
    session = BrowserSession(page)
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR_OPTIONS})

    page.goto("/admin/")
    page.wait_for_url("**/settings/security/")
    assert MFA_NOTICE in page.inner_text("main")
    session.look("MFA required")
    page.get_by_role("link", name="Add a passkey").click()
    session.fill(password=PASSWORD)
    session.press("Confirm", leads_to="**/passkeys/add/")
    session.press("Add passkey", leads_to="**/recovery-codes/")
    page.goto("/admin/")

    assert page.url.endswith("/admin/")
    assert session.problems == [], "\n".join(session.problems)
