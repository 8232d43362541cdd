"""Passkeys are accepted from this site's origin only.

WebAuthn itself would allow any port and subdomain.
"""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.auth.allauth.forms import is_same_origin
from accounts.auth.passwords import services as passwords
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import reauthenticated_browser
from accounts.tests.passkeys import SoftwarePasskey
from core.testing.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
SITE = "https://testserver"
FOREIGN = [
    "https://testserver:8443",
    "https://other.testserver",
    "http://testserver",
    "https://testserver.evil.example",
]
ADD, LOGIN, MFA, CONFIRM = (
    "/settings/security/passkeys/add/",
    "/login/passkey/",
    "/login/mfa/",
    "/reauthenticate/passkey/",
)


@pytest.fixture(autouse=True)
def site(settings):
    settings.SITE_URL = SITE


def request_options(browser, path):
    if path == LOGIN:
        return browser.get(LOGIN, headers={"Accept": "application/json"}).json()["request_options"]
    return browser.get(path).context["js_data"]["request_options"]


def post_passkey(browser, path, passkey, origin, **data):
    credential = json.dumps(passkey.get(request_options(browser, path), origin=origin))
    return browser.post(path, {"credential": credential, **data})


def add(browser, passkey, origin):
    options = browser.get(ADD).context["js_data"]["creation_options"]
    credential = json.dumps(passkey.create(options, origin=origin))
    return browser.post(ADD, {"name": "Phone", "credential": credential})


def with_passkey(user):
    passkey = SoftwarePasskey("testserver")
    assert add(reauthenticated_browser(user), passkey, SITE).status_code == 302
    return passkey


def with_password(user):
    browser = Client()
    browser.post("/login/", {"email": user.email, "password": PASSWORD})
    return browser


def is_in(browser):
    return browser.get("/settings/").status_code == 200


@pytest.mark.parametrize("origin", FOREIGN)
def test_passkey_from_another_origin_is_not_added(origin, alice):
    browser = reauthenticated_browser(alice)

    response = add(browser, SoftwarePasskey("testserver"), origin)

    assert response.status_code == 422
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("origin", FOREIGN)
def test_passkey_from_another_origin_does_not_sign_in(origin, alice):
    passkey = with_passkey(alice)
    anonymous, pending, before = Client(), with_password(alice), Session.objects.count()

    login = post_passkey(anonymous, LOGIN, passkey, origin)
    mfa_step = post_passkey(pending, MFA, passkey, origin)

    assert (login["Location"], mfa_step.status_code) == ("/login/", 422)
    assert (is_in(anonymous), is_in(pending), Session.objects.count()) == (False, False, before)


def test_passkey_from_another_origin_does_not_confirm(alice):
    passkey, browser = with_passkey(alice), Client()
    post_passkey(browser, LOGIN, passkey, SITE)

    post_passkey(browser, CONFIRM, passkey, FOREIGN[0], next=ADD)

    assert browser.get(ADD)["Location"].startswith(CONFIRM)


def test_passkey_from_this_site_signs_in_and_confirms(alice):
    passkey = with_passkey(alice)
    anonymous, pending = Client(), with_password(alice)

    post_passkey(anonymous, LOGIN, passkey, SITE)
    post_passkey(anonymous, CONFIRM, passkey, SITE, next=ADD)
    post_passkey(pending, MFA, passkey, SITE)

    assert (is_in(anonymous), is_in(pending), anonymous.get(ADD).status_code) == (True, True, 200)


def test_passkey_of_a_deactivated_user_does_not_sign_in(alice):
    passkey, browser = with_passkey(alice), Client()
    User.objects.update(is_active=False)

    response = post_passkey(browser, LOGIN, passkey, SITE)

    assert (response["Location"], is_in(browser)) == ("/login/", False)


def test_pending_login_ends_when_the_password_changes(alice):
    passkey, browser = with_passkey(alice), with_password(alice)
    credential = json.dumps(passkey.get(request_options(browser, MFA), origin=SITE))
    passwords.change_password(user=User.objects.get(), password="a wider river turns", now=NOW)
    before = Session.objects.count()

    response = browser.post(MFA, {"credential": credential})

    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert (is_in(browser), Session.objects.count()) == (False, before)
    assert Authenticator.objects.get(type="webauthn").last_used_at is None  # the credential was not checked at all


def test_malformed_credential_is_rejected(db):
    browser = Client()
    malformed = [
        [],
        "text",
        {},
        {"response": 1},
        {"response": {"clientDataJSON": "?"}},
        {"response": {"clientDataJSON": 1}},
    ]

    for credential in malformed:
        request_options(browser, LOGIN)
        response = browser.post(LOGIN, {"credential": json.dumps(credential)})

        assert (response.status_code, response["Location"]) == (302, "/login/"), credential


def test_passkey_logins_are_limited_per_address(db, settings):
    settings.LOGIN_RATE_PER_ADDRESS = "1/h"
    browser = Client()

    codes = [browser.post(LOGIN, {"credential": "{}"}).status_code for _ in range(2)]

    assert codes == [302, 429]


def test_localhost_is_same_origin_on_any_port(settings):
    cases = [
        ("https://tasks.example.com", "https://tasks.example.com:443", True),
        ("https://tasks.example.com", "https://tasks.example.com:99999", False),
        ("https://tasks.example.com", "http://localhost:8000", False),
        ("https://tasks.example.com:8443", "https://tasks.example.com", False),
        ("http://127.0.0.1:8000", "http://localhost:41234", True),
        ("http://localhost:8000", "http://localhost:41234", True),
        ("http://localhost:8000", "http://other.localhost:8000", False),
        ("https://tasks.example.com", "", False),
    ]

    for site_url, origin, expected in cases:
        settings.SITE_URL = site_url

        assert is_same_origin(origin) is expected, (site_url, origin)
