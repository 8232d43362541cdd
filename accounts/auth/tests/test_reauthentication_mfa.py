"""What proves who one is where there is a second factor: something of that factor, on pages and by programs alike."""

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
    """A passkey of alice's, and nothing beside it but what stands in for it: recovery codes."""
    settings.SITE_URL = SITE
    device, browser = SoftwarePasskey("testserver"), reauthenticated_browser(alice)
    page = "/settings/security/passkeys/add/"
    made = device.create(browser.get(page).context["js_data"]["creation_options"], origin=SITE)
    browser.post(page, {"name": "Phone", "credential": json.dumps(made)})
    assert sorted(Authenticator.objects.values_list("type", flat=True)) == ["recovery_codes", "webauthn"]
    return device


def asked_of(device, browser):
    options = browser.get(BY_PASSKEY).context["js_data"]["request_options"]
    return {"credential": json.dumps(device.get(options, origin=SITE)), "next": KEYS}


def test_on_pages_the_password_proves_nothing_and_leads_to_the_code(alice):
    browser = logged_in_client(with_totp(alice))

    responses = [
        browser.get(f"{BY_PASSWORD}?next=/"),
        browser.post(BY_PASSWORD, {"password": PASSWORD, "next": REMOVE}),
    ]
    removed, minted = browser.post(REMOVE), browser.post(KEYS, KEY)

    assert [one["Location"].partition("?")[0] for one in responses] == [BY_CODE, BY_CODE]
    assert removed["Location"] == f"{BY_CODE}?{urlencode({'next': REMOVE})}"
    assert minted["Location"] == f"{BY_CODE}?{urlencode({'next': KEYS})}"
    assert (Authenticator.objects.count(), ApiKey.objects.count()) == (2, 0)


def test_no_page_offers_the_password_beside_the_code(alice):
    browser = logged_in_client(with_totp(alice))

    page = browser.get(BY_CODE)

    assert "Use your password" not in visible_text(page)


@pytest.mark.parametrize("code", [lambda alice: code_at(NOW), lambda alice: recovery_codes(alice)[0]])
def test_a_code_of_either_kind_proves_it(code, alice):
    browser = logged_in_client(with_totp(alice))

    browser.post(BY_CODE, {"code": code(alice), "next": REMOVE})
    browser.post(REMOVE)

    assert not Authenticator.objects.exists()


def test_api_accepts_a_code_and_no_password_with_mfa(alice):
    client = signed_in(with_totp(alice))
    Session.objects.update(created_at=NOW - timedelta(hours=1))

    rejected = [client.post(REAUTHENTICATE, {"password": word}).json() for word in (PASSWORD, "a wrong guess")]
    refused = client.delete(TOTP)
    confirmed = client.post(REAUTHENTICATE, {"code": code_at(NOW)})
    removed = client.delete(TOTP)

    assert rejected[0]["errors"] == rejected[1]["errors"]
    assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")
    assert (confirmed.status_code, removed.status_code) == (200, 204)
    assert not Authenticator.objects.exists()


def test_whoever_has_passkeys_alone_is_led_to_them_and_goes_on(alice, passkey):
    browser = logged_in_client(alice)

    led = [browser.post(KEYS, KEY)["Location"], browser.post(BY_PASSWORD, {"password": PASSWORD})["Location"]]
    before = ApiKey.objects.count()
    proved = browser.post(BY_PASSKEY, asked_of(passkey, browser))
    browser.post(KEYS, KEY)

    assert led == [f"{BY_PASSKEY}?{urlencode({'next': KEYS})}", BY_PASSKEY]
    assert (before, proved["Location"]) == (0, KEYS)
    assert ApiKey.objects.get().owner == alice


def test_a_passkey_that_is_not_theirs_proves_nothing(alice, passkey):
    browser, another = logged_in_client(alice), SoftwarePasskey("testserver")

    browser.post(BY_PASSKEY, asked_of(another, browser))

    assert browser.post(KEYS, KEY)["Location"].startswith(BY_PASSKEY)
    assert not ApiKey.objects.exists()


def test_without_a_second_factor_the_password_proves_it_as_ever(alice):
    browser = logged_in_client(alice)

    led = browser.post(KEYS, KEY)["Location"]
    browser.post(BY_PASSWORD, {"password": PASSWORD, "next": KEYS})
    browser.post(KEYS, KEY)

    assert led == f"{BY_PASSWORD}?{urlencode({'next': KEYS})}"
    assert ApiKey.objects.count() == 1
