"""Reauthentication of users with MFA, on pages and through the API: by an MFA method only."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator

from accounts.models import ApiKey, Session
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import reauthenticated_browser, signed_in
from accounts.tests.mfa import code_at, recovery_codes, with_totp
from accounts.tests.passkeys import SoftwarePasskey
from core.testing.clock import NOW
from core.testing.page_client import logged_in_client, visible_text

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.django_db]
SITE = "https://testserver"
HOME, KEYS, REMOVE = "/settings/security/", "/settings/api-keys/", "/settings/security/app/remove/"
BY_PASSWORD, BY_CODE, BY_PASSKEY = "/reauthenticate/", "/reauthenticate/code/", "/reauthenticate/passkey/"
REAUTHENTICATE, TOTP = "/api/v1/auth/reauthenticate/", "/api/v1/me/mfa/totp/"
KEY = {"name": "n8n", "days": "30", "scopes": ["tasks:read"], "allowed_networks": ""}


@pytest.fixture
def passkey(alice, settings):
    """Give Alice a passkey as her only MFA method, besides recovery codes; return its device."""
    settings.SITE_URL = SITE
    device, browser = SoftwarePasskey("testserver"), reauthenticated_browser(alice)
    page = "/settings/security/passkeys/add/"
    credential = device.create(browser.get(page).context["js_data"]["creation_options"], origin=SITE)
    browser.post(page, {"name": "Phone", "credential": json.dumps(credential)})
    assert sorted(Authenticator.objects.values_list("type", flat=True)) == ["recovery_codes", "webauthn"]
    return device


def passkey_data(device, browser):
    options = browser.get(BY_PASSKEY).context["js_data"]["request_options"]
    return {"credential": json.dumps(device.get(options, origin=SITE)), "next": KEYS}


def test_password_page_with_mfa_redirects_to_the_code(alice):
    browser = logged_in_client(with_totp(alice))

    responses = [
        browser.get(f"{BY_PASSWORD}?next=/"),
        browser.post(BY_PASSWORD, {"password": PASSWORD, "next": REMOVE}),
    ]
    removed, created = browser.post(REMOVE), browser.post(KEYS, KEY)

    assert [response["Location"].partition("?")[0] for response in responses] == [BY_CODE, BY_CODE]
    assert removed["Location"] == f"{BY_CODE}?{urlencode({'next': REMOVE})}"
    assert created["Location"] == f"{BY_CODE}?{urlencode({'next': KEYS})}"
    assert (Authenticator.objects.count(), ApiKey.objects.count()) == (2, 0)


def test_code_page_does_not_offer_the_password(alice):
    browser = logged_in_client(with_totp(alice))

    page = browser.get(BY_CODE)

    assert "Use your password" not in visible_text(page)


@pytest.mark.parametrize("code", [lambda alice: code_at(NOW), lambda alice: recovery_codes(alice)[0]])
def test_totp_or_recovery_code_reauthenticates(code, alice):
    browser = logged_in_client(with_totp(alice))

    browser.post(BY_CODE, {"code": code(alice), "next": REMOVE})
    browser.post(REMOVE)

    assert not Authenticator.objects.exists()


def test_api_accepts_a_code_and_no_password_with_mfa(alice):
    client = signed_in(with_totp(alice))
    Session.objects.update(created_at=NOW - timedelta(hours=1))

    rejected = [client.post(REAUTHENTICATE, {"password": password}).json() for password in (PASSWORD, "a wrong guess")]
    denied = client.delete(TOTP)
    confirmed = client.post(REAUTHENTICATE, {"code": code_at(NOW)})
    removed = client.delete(TOTP)

    assert rejected[0]["errors"] == rejected[1]["errors"]
    assert (denied.status_code, denied.json()["code"]) == (403, "reauthentication_required")
    assert (confirmed.status_code, removed.status_code) == (200, 204)
    assert not Authenticator.objects.exists()


def test_user_with_passkeys_only_reauthenticates_with_them(alice, passkey):
    browser = logged_in_client(alice)

    redirects = [browser.post(KEYS, KEY)["Location"], browser.post(BY_PASSWORD, {"password": PASSWORD})["Location"]]
    before = ApiKey.objects.count()
    confirmed = browser.post(BY_PASSKEY, passkey_data(passkey, browser))
    browser.post(KEYS, KEY)

    assert redirects == [f"{BY_PASSKEY}?{urlencode({'next': KEYS})}", BY_PASSKEY]
    assert (before, confirmed["Location"]) == (0, KEYS)
    assert ApiKey.objects.get().owner == alice


def test_foreign_passkey_does_not_reauthenticate(alice, passkey):
    browser, foreign_passkey = logged_in_client(alice), SoftwarePasskey("testserver")

    browser.post(BY_PASSKEY, passkey_data(foreign_passkey, browser))

    assert browser.post(KEYS, KEY)["Location"].startswith(BY_PASSKEY)
    assert not ApiKey.objects.exists()


def test_password_reauthenticates_without_mfa(alice):
    browser = logged_in_client(alice)

    redirect = browser.post(KEYS, KEY)["Location"]
    browser.post(BY_PASSWORD, {"password": PASSWORD, "next": KEYS})
    browser.post(KEYS, KEY)

    assert redirect == f"{BY_PASSWORD}?{urlencode({'next': KEYS})}"
    assert ApiKey.objects.count() == 1
