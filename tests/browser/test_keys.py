"""Keys in a real browser: made, copied, used, revoked; every state of their pages is sound, in all sizes and schemes."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.services import create_service_account
from accounts.tests.factories import PASSWORD
from accounts.tests.keys import by_key, minted
from tests.browser.test_every_page import faults

KEYS, SERVICES = "/settings/api-keys/", "/settings/service-accounts/"


@pytest.fixture(scope="module")
def furnished(office):
    robot = create_service_account(actor=office, name="Nightly import from the ticket system")
    minted(office, "tasks:read", "tasks:write", projects=["OPS"], addresses=["192.0.2.0/24", "2001:db8::/32"])
    minted(robot, "tasks:read", actor=office)
    return robot


def confirm(page):
    """Show once more who it is, as whoever makes a key is asked to, and go on to the keys."""
    page.goto(f"/confirm/?next={KEYS}")
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(f"**{KEYS}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_of_keys_are_sound(width, scheme, office, furnished, page_of):
    page = page_of(office, width=width, scheme=scheme)

    urls = [KEYS, SERVICES, f"{SERVICES}{furnished.pk}/"]

    assert [fault for url in urls for fault in faults(page, url, scheme)] == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_key_is_made_used_and_revoked(scripts, office, page_of):
    page = page_of(office, scripts=scripts)
    confirm(page)
    name = f"n8n {scripts}"
    page.get_by_label("Name").fill(name)
    page.get_by_label("read tasks", exact=True).check()
    page.get_by_role("button", name="Make the key").click()

    text = page.get_by_label("Key", exact=True).input_value()
    opened = by_key(text).get("/api/v1/tasks/")
    page.get_by_role("link", name="I have it").click()
    row = page.get_by_role("listitem").filter(has_text=name)
    last_used = row.inner_text()
    row.get_by_role("button", name="Revoke").click()

    assert opened.status_code == 200
    assert "last used" in last_used
    assert text not in page.content()
    page.wait_for_url(f"**{KEYS}")
    assert by_key(text).get("/api/v1/tasks/").status_code == 401


def test_what_is_wrong_is_named_and_kept(office, page_of):
    page = page_of(office)
    confirm(page)
    page.get_by_label("Name").fill("n8n")
    page.get_by_label("Only from these addresses").fill("home")
    page.get_by_label("read tasks", exact=True).check()
    page.get_by_role("button", name="Make the key").click()

    assert "Not an address or a network: home" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Name").input_value() == "n8n"
    assert page.get_by_label("read tasks", exact=True).is_checked()
    assert User.objects.filter(api_keys__name="n8n").count() == 0
