"""Email changes of users with MFA, and MFA setup during an email change."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator

from accounts.auth.tests.test_email_verification import open_link, verified
from accounts.models import User
from accounts.tests.fixtures import reauthenticated_browser, signed_in
from accounts.tests.mfa import code_at, totp_form, with_passkey, with_totp
from core.testing.clock import NOW
from core.testing.page_client import visible_text

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.django_db]
OLD, NEW = "alice@example.com", "liddell@example.com"
HOME, APP, PASSKEY = "/settings/security/", "/settings/security/app/", "/settings/security/passkeys/add/"


class PageClient:
    def __init__(self, user):
        self.client = reauthenticated_browser(user)

    def request_email_change(self, email):
        return self.client.post("/settings/security/email/", {"email": email})

    def add_totp(self):
        page = self.client.get(APP)
        return self.client.post(APP, totp_form(page, NOW) if page.status_code == 200 else {"code": "000000"})

    def add_passkey(self):
        return self.client.post(PASSKEY, {"name": "Key", "credential": "{}"})


class JsonClient:
    def __init__(self, user):
        self.client = signed_in(user)

    def request_email_change(self, email):
        return self.client.post("/api/v1/me/email/", {"email": email})

    def add_totp(self):
        response = self.client.post("/api/v1/me/mfa/totp/")
        if response.status_code != 200:
            return response
        setup = response.json()
        data = {"setup_token": setup["setup_token"], "code": code_at(NOW, secret=setup["secret"])}
        return self.client.post("/api/v1/me/mfa/totp/confirm/", data)


by_client = pytest.mark.parametrize("client_class", [PageClient, JsonClient])
by_enforcement = pytest.mark.parametrize("is_enforced", [False, True], ids=["optional", "verified email required"])
by_verification = pytest.mark.parametrize("is_verified", [False, True], ids=["unverified", "verified"])
by_mfa = pytest.mark.parametrize("add_mfa", [lambda user: user, with_totp], ids=["no MFA", "TOTP"])


def enforce_verified_email(settings, is_enforced):
    """Apply the setting from now on; sessions that are open stay open."""
    settings.REQUIRE_VERIFIED_EMAIL = is_enforced


def with_email(user, is_verified):
    EmailAddress.objects.create(user=user, email=user.email, verified=is_verified, primary=True)
    return user


@by_client
@by_enforcement
@by_verification
@by_mfa
def test_email_change_takes_effect_when_verified(client_class, is_enforced, is_verified, add_mfa, settings, alice):
    client = client_class(add_mfa(with_email(alice, is_verified)))
    enforce_verified_email(settings, is_enforced)

    response = client.request_email_change(NEW)
    before = (User.objects.get().email, verified())
    open_link()

    assert response.status_code < 400
    assert before == (OLD, [OLD] if is_verified else [])
    assert User.objects.get().email == NEW
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [(NEW, True, True)]


@by_client
@by_enforcement
@by_mfa
def test_email_change_to_address_taken_meanwhile_is_rejected(client_class, is_enforced, add_mfa, settings, alice, bob):
    client = client_class(add_mfa(with_email(alice, True)))
    enforce_verified_email(settings, is_enforced)
    client.request_email_change(NEW)
    User.objects.filter(pk=bob.pk).update(email=NEW)

    response = open_link()

    assert response.status_code == 409
    assert User.objects.get(pk=alice.pk).email == OLD
    assert verified() == [OLD]


@by_client
@by_enforcement
@by_verification
@pytest.mark.parametrize("has_pending_email", [False, True], ids=["", "another email pending"])
def test_totp_requires_a_verified_email_where_enforced(
    client_class, is_enforced, is_verified, has_pending_email, settings, alice
):
    client = client_class(with_email(alice, is_verified))
    enforce_verified_email(settings, is_enforced)
    if has_pending_email:
        client.request_email_change(NEW)

    client.add_totp()

    is_added = is_verified or not is_enforced
    assert Authenticator.objects.filter(type="totp").exists() is is_added


def test_page_without_verified_email_asks_to_verify_it(settings, alice):
    client = PageClient(with_email(alice, False))
    enforce_verified_email(settings, True)

    responses = [client.add_totp(), client.add_passkey()]

    assert {(response.status_code, response["Location"]) for response in responses} == {(302, HOME)}
    assert "Confirm your email address first" in visible_text(client.client.get(HOME))
    assert Authenticator.objects.count() == 0


def test_api_without_verified_email_rejects_totp(settings, alice):
    client = JsonClient(with_email(alice, False))
    enforce_verified_email(settings, True)

    response = client.add_totp()

    assert (response.status_code, response.json()["code"]) == (409, "email_not_verified")
    assert Authenticator.objects.count() == 0


@by_client
@by_enforcement
def test_second_email_change_replaces_the_pending_address(client_class, is_enforced, settings, alice):
    client = client_class(with_totp(with_email(alice, True)))
    enforce_verified_email(settings, is_enforced)
    client.request_email_change(NEW)

    client.request_email_change("other@example.com")

    assert set(EmailAddress.objects.values_list("email", "verified")) == {(OLD, True), ("other@example.com", False)}


def test_email_change_with_a_passkey_alone_takes_effect(settings, alice):
    client = PageClient(with_email(alice, True))
    with_passkey(alice)
    enforce_verified_email(settings, True)

    client.request_email_change(NEW)
    open_link()

    assert (User.objects.get().email, verified()) == (NEW, [NEW])
