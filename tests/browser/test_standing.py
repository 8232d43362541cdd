"""Somebody of whom a second factor is demanded, in a real browser: led to setting one up, and on by a passkey."""

from __future__ import annotations

import pytest
from django.test import override_settings

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from tests.browser.test_identity import DEVICE, Visit

HELD = "needs a second factor before you can go on"


@pytest.fixture
def demanded():
    with override_settings(REQUIRE_SECOND_FACTOR="staff"):
        yield


def test_staff_is_led_to_a_second_factor_and_goes_on_by_a_passkey(town, demanded, page_of):
    ada = UserFactory(handle="ada", name="Ada Admin", role=User.Role.ADMIN)
    page = page_of(ada)
    visit = Visit(page)
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})

    page.goto("/admin/")
    page.wait_for_url("**/settings/security/")
    assert HELD in page.inner_text("main")
    visit.look("held")
    page.get_by_role("link", name="Add a passkey").click()
    visit.fill(password=PASSWORD)
    visit.press("Confirm", leads_to="**/passkeys/add/")
    visit.press("Add a passkey", leads_to="**/recovery-codes/")
    page.goto("/admin/")

    assert page.url.endswith("/admin/")
    assert visit.faults == [], "\n".join(visit.faults)
