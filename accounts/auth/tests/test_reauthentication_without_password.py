"""Users with neither a password nor MFA must sign in again before a lasting change."""

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
# Changes that an intruder at an unattended browser would make, and the page to return to after the login.
PAGES = {
    "api key": ("/settings/api-keys/", KEY, "/settings/api-keys/"),
    "password": (SET, NEW, SET),
    "email": (f"{SECURITY}email/", {"email": "new@example.com"}, SECURITY),
    "totp": (APP, {"code": "000000"}, SECURITY),
    "passkey": (f"{SECURITY}passkeys/add/", {"name": "Phone", "credential": "{}"}, SECURITY),
}
ENDPOINTS = {
    "password": ("/api/v1/me/password/", {"password": NEW["password"]}, 204),
    "email": ("/api/v1/me/email/", {"email": "new@example.com"}, 202),
    "totp": ("/api/v1/me/mfa/totp/", None, 200),
}
TABLES = (
    "accounts_user",
    "accounts_apikey",
    "account_emailaddress",
    "mfa_authenticator",
    "notifications_outgoingemail",
)


def state():
    now = table_digests()
    return {name: now[name] for name in TABLES}


def browser_without_password(user, *, minutes):
    """Return a passwordless user's browser that signed in `minutes` ago."""
    User.objects.filter(pk=user.pk).update(password="!")
    browser = logged_in_client(User.objects.get(pk=user.pk))
    Session.objects.update(created_at=NOW - timedelta(minutes=minutes))
    return browser


def api_client_without_password(user, *, minutes):
    """Return a passwordless user's API client that signed in `minutes` ago."""
    User.objects.filter(pk=user.pk).update(password="!")
    client = signed_in(User.objects.get(pk=user.pk))
    Session.objects.update(created_at=NOW - timedelta(minutes=minutes))
    return client


@pytest.mark.parametrize("change", PAGES)
def test_page_change_without_a_recent_login_is_denied(change, alice):
    path, data, next_url = PAGES[change]
    browser = browser_without_password(alice, minutes=6)
    before = state()

    response = browser.post(path, data)

    assert (response.status_code, response["Location"]) == (302, f"/login/?next={next_url.replace('/', '%2F')}")
    assert state() == before
    assert "Sign in again to confirm it" in browser.get(response["Location"]).content.decode()


@pytest.mark.parametrize("change", ["password", "email", "totp", "passkey"])
def test_page_without_a_recent_login_redirects_back_to_itself(change, alice):
    path = PAGES[change][0]

    response = browser_without_password(alice, minutes=6).get(path)

    assert (response.status_code, response["Location"]) == (302, f"/login/?next={path.replace('/', '%2F')}")


@pytest.mark.parametrize("change", ["api key", "password", "email"])
def test_page_change_after_a_recent_login_succeeds(change, alice):
    path, data, _ = PAGES[change]
    browser = browser_without_password(alice, minutes=4)
    before = state()

    response = browser.post(path, data)

    assert response.status_code in {200, 302}
    assert not response.headers.get("Location", "").startswith("/login/")
    assert state() != before


def test_totp_is_added_after_a_recent_login(alice):
    browser = browser_without_password(alice, minutes=4)
    setup = enrollment.begin_totp(user=alice, now=NOW)

    response = browser.post(APP, {"setup_token": setup.token, "code": code_at(NOW, secret=setup.secret)})

    assert response.status_code == 302
    assert alice.authenticator_set.filter(type="totp").exists()


@pytest.mark.parametrize("name", ENDPOINTS)
def test_api_requires_a_recent_login(name, alice):
    path, body, status = ENDPOINTS[name]
    before = state()

    late = api_client_without_password(alice, minutes=6).post(path, body)
    unchanged = state() | {"accounts_user": before["accounts_user"]} == before
    recent = api_client_without_password(alice, minutes=4).post(path, body)

    assert (late.status_code, late.json()["code"], unchanged) == (403, "reauthentication_required", True)
    assert recent.status_code == status


def test_password_setup_with_mfa_requires_a_code(alice):
    browser = browser_without_password(with_totp(alice), minutes=4)
    before = state()

    response = browser.post(SET, NEW)

    expected = (302, f"/reauthenticate/code/?next={SET.replace('/', '%2F')}")
    assert (response.status_code, response["Location"]) == expected
    assert state() == before
