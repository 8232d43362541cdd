"""API keys in a browser: created, copied, used and revoked."""

from __future__ import annotations

import pytest

from accounts.api_keys.service_accounts import create_service_account
from accounts.models import User
from accounts.tests.api_keys import api_key_client, create_api_key
from accounts.tests.factories import PASSWORD
from tests.browser.test_all_pages import assert_no_problems

API_KEYS_PATH, SERVICE_ACCOUNTS_PATH = "/settings/api-keys/", "/settings/service-accounts/"


@pytest.fixture(scope="module")
def api_keys(sample_workspace):
    robot = create_service_account(actor=sample_workspace, name="Nightly import from the ticket system")
    create_api_key(
        sample_workspace,
        "tasks:read",
        "tasks:write",
        projects=["OPS"],
        allowed_networks=["192.0.2.0/24", "2001:db8::/32"],
    )
    create_api_key(robot, "tasks:read", actor=sample_workspace)
    return robot


def confirm(page):
    """Reauthenticate, as creating a key requires, and go on to the keys."""
    page.goto(f"/reauthenticate/?next={API_KEYS_PATH}")
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(f"**{API_KEYS_PATH}")


def test_api_key_pages_have_no_problems(sample_workspace, api_keys, open_page, subtests):
    urls = [API_KEYS_PATH, SERVICE_ACCOUNTS_PATH, f"{SERVICE_ACCOUNTS_PATH}{api_keys.pk}/"]

    assert_no_problems(open_page(sample_workspace), urls, subtests)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_api_key_is_created_used_and_revoked(scripts, sample_workspace, open_page):
    page = open_page(sample_workspace, scripts=scripts)
    confirm(page)
    name = f"n8n {scripts}"
    page.get_by_label("Name").fill(name)
    page.get_by_label("read tasks", exact=True).check()
    page.get_by_role("button", name="Create key").click()

    text = page.get_by_label("Key", exact=True).input_value()
    opened = api_key_client(text).get("/api/v1/tasks/")
    page.get_by_role("link", name="Done").click()
    row = page.get_by_role("listitem").filter(has_text=name)
    last_used = row.inner_text()
    row.get_by_role("button", name="Revoke").click()

    assert opened.status_code == 200
    assert "last used" in last_used
    assert text not in page.content()
    page.wait_for_url(f"**{API_KEYS_PATH}")
    assert api_key_client(text).get("/api/v1/tasks/").status_code == 401


def test_api_key_form_names_errors_and_keeps_values(sample_workspace, open_page):
    page = open_page(sample_workspace)
    confirm(page)
    page.get_by_label("Name").fill("n8n")
    page.get_by_label("Allowed IP addresses").fill("home")
    page.get_by_label("read tasks", exact=True).check()
    page.get_by_role("button", name="Create key").click()

    assert "Not an address or network: home" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Name").input_value() == "n8n"
    assert page.get_by_label("read tasks", exact=True).is_checked()
    assert User.objects.filter(api_keys__name="n8n").count() == 0
