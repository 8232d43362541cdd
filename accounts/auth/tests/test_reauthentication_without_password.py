"""Who has neither a password nor a factor confirms with nothing: what outlives a session asks them for a new sign-in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.auth.mfa import enrollment
from accounts.models import Session, User
from accounts.tests.fixtures import signed_in
from accounts.tests.mfa import code_at, with_totp
from core.testing.clock import NOW
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
SECURITY = "/settings/security/"
SET, APP = f"{SECURITY}password/set/", f"{SECURITY}app/"
NEW = {"password": "a wider river turns"}
KEY = {"name": "Program", "days": "30", "scopes": ["tasks:read"], "allowed_networks": ""}
# What a stranger at a browser found open would ask for, and where the person comes back to.
PAGES = {
    "a key": ("/settings/api-keys/", KEY, "/settings/api-keys/"),
    "a password": (SET, NEW, SET),
    "another address": (f"{SECURITY}email/", {"email": "new@example.com"}, SECURITY),
    "an app": (APP, {"code": "000000"}, SECURITY),
    "a passkey": (f"{SECURITY}passkeys/add/", {"name": "Phone", "credential": "{}"}, SECURITY),
}
ENDPOINTS = {
    "password": ("/api/v1/me/password/", {"password": NEW["password"]}, 204),
    "email": ("/api/v1/me/email/", {"email": "new@example.com"}, 202),
    "totp": ("/api/v1/me/mfa/totp/", None, 200),
}
KEPT = ("accounts_user", "accounts_apikey", "account_emailaddress", "mfa_authenticator", "notifications_outgoingemail")


def state():
    now = table_digests()
    return {name: now[name] for name in KEPT}


def came_by_a_provider(user, *, ago):
    """A browser, signed in that long ago, of somebody who never had a password."""
    User.objects.filter(pk=user.pk).update(password="!")
    browser = logged_in_client(User.objects.get(pk=user.pk))
    Session.objects.update(created_at=NOW - timedelta(minutes=ago))
    return browser


def api_client(user, *, ago):
    """An API client that signed in that many minutes ago, of a user who has no password any more."""
    User.objects.filter(pk=user.pk).update(password="!")
    client = signed_in(User.objects.get(pk=user.pk))
    Session.objects.update(created_at=NOW - timedelta(minutes=ago))
    return client


@pytest.mark.parametrize("what", PAGES)
def test_a_page_gives_none_of_it_to_a_browser_found_open(what, alice):
    path, data, back = PAGES[what]
    browser = came_by_a_provider(alice, ago=6)
    before = state()

    response = browser.post(path, data)

    assert (response.status_code, response["Location"]) == (302, f"/login/?next={back.replace('/', '%2F')}")
    assert state() == before
    assert "Sign in again to confirm it" in browser.get(response["Location"]).content.decode()


@pytest.mark.parametrize("what", ["a password", "another address", "an app", "a passkey"])
def test_a_page_that_is_opened_leads_back_to_itself(what, alice):
    path = PAGES[what][0]

    response = came_by_a_provider(alice, ago=6).get(path)

    assert (response.status_code, response["Location"]) == (302, f"/login/?next={path.replace('/', '%2F')}")


@pytest.mark.parametrize("what", ["a key", "a password", "another address"])
def test_whoever_has_just_signed_in_gets_it(what, alice):
    path, data, _ = PAGES[what]
    browser = came_by_a_provider(alice, ago=4)
    before = state()

    response = browser.post(path, data)

    assert response.status_code in {200, 302}
    assert not response.headers.get("Location", "").startswith("/login/")
    assert state() != before


def test_totp_is_added_after_a_recent_sign_in(alice):
    browser = came_by_a_provider(alice, ago=4)
    setup = enrollment.begin_totp(user=alice, now=NOW)

    response = browser.post(APP, {"setup_token": setup.token, "code": code_at(NOW, secret=setup.secret)})

    assert response.status_code == 302
    assert alice.authenticator_set.filter(type="totp").exists()


@pytest.mark.parametrize("name", ENDPOINTS)
def test_api_requires_a_recent_sign_in(name, alice):
    path, body, status = ENDPOINTS[name]
    before = state()

    late = api_client(alice, ago=6).post(path, body)
    unchanged = state() | {"accounts_user": before["accounts_user"]} == before
    recent = api_client(alice, ago=4).post(path, body)

    assert (late.status_code, late.json()["code"], unchanged) == (403, "reauthentication_required", True)
    assert recent.status_code == status


def test_password_is_set_with_a_code_where_there_is_mfa(alice):
    browser = came_by_a_provider(with_totp(alice), ago=4)
    before = state()

    response = browser.post(SET, NEW)

    expected = (302, f"/reauthenticate/code/?next={SET.replace('/', '%2F')}")
    assert (response.status_code, response["Location"]) == expected
    assert state() == before
