"""Changing and resetting a password, and verifying and changing the email address, through the API."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress

from accounts.auth.tests.test_password_pages import NEW, link, parse_link, sent_emails
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, with_email_address
from accounts.tests.fixtures import ApiClient, signed_in

pytestmark = pytest.mark.django_db
CHANGE, RESET, CONFIRM = "/api/v1/me/password/", "/api/v1/auth/password-reset/", "/api/v1/auth/password-reset/confirm/"
EMAIL, RESEND, VERIFY = "/api/v1/me/email/", "/api/v1/me/email/verification/", "/api/v1/auth/verify-email/"


def emailed_key(kind):
    return parse_link(link(kind))[1]["key"]


def test_password_change_keeps_this_session_alone(alice, outbox):
    client, other = signed_in(alice), signed_in(alice)

    response = client.post(CHANGE, {"current_password": PASSWORD, "password": NEW})

    assert response.status_code == 204
    assert User.objects.get().check_password(NEW)
    assert (client.get("/api/v1/me/").status_code, other.get("/api/v1/me/").status_code) == (200, 401)
    assert outbox.only("user.security_changed")["change"] == "password_changed"


@pytest.mark.parametrize("data", [{}, {"current_password": "wrong"}])
def test_password_change_needs_the_current_password(data, alice):
    response = signed_in(alice).post(CHANGE, {"password": NEW} | data)

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "current_password")
    assert User.objects.get().check_password(PASSWORD)


def test_weak_password_is_rejected(alice):
    response = signed_in(alice).post(CHANGE, {"current_password": PASSWORD, "password": "short"})

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "password")
    assert User.objects.get().check_password(PASSWORD)


def test_password_reset_answers_the_same_for_every_address(alice):
    known, unknown = (ApiClient().post(RESET, {"email": address}) for address in (alice.email, "nobody@example.com"))

    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert [email.to for email in (*sent_emails("password_reset"), *sent_emails("no_account"))] == [
        [alice.email],
        ["nobody@example.com"],
    ]


def test_password_reset_sets_the_password_once(alice):
    with_email_address(alice)
    ApiClient().post(RESET, {"email": alice.email})
    data = {"key": emailed_key("password_reset"), "password": NEW}

    first, second = ApiClient().post(CONFIRM, data), ApiClient().post(CONFIRM, data)

    assert (first.status_code, second.status_code) == (204, 404)
    assert User.objects.get().check_password(NEW)
    assert not Session.objects.exists()


def test_password_reset_emails_are_limited_per_mailbox(alice, settings):
    settings.EMAIL_LINK_RATE = "1/h"

    local, domain = alice.email.split("@")
    wide = "".join(chr(ord(char) + 0xFEE0) if char.isalpha() else char for char in domain)
    spellings = (
        alice.email,
        alice.email.upper(),
        f"{local}@{wide}",
        f"{local}@exam\u00adple.com",
        f"{local}+1@{domain}",
    )
    codes = [ApiClient().post(RESET, {"email": email}).status_code for email in spellings]

    assert codes == [202, 429, 429, 429, 429]
    assert len(sent_emails("password_reset")) == 1


def test_email_change_takes_effect_when_verified(alice):
    with_email_address(alice)
    requested = signed_in(alice).post(EMAIL, {"email": "New@example.com"})
    before = User.objects.get().email

    verified = ApiClient().post(VERIFY, {"key": emailed_key("verify_email")})

    assert (requested.status_code, before, verified.status_code) == (202, "alice@example.com", 204)
    assert User.objects.get().email == "new@example.com"
    assert list(EmailAddress.objects.values_list("email", "verified")) == [("new@example.com", True)]


@pytest.mark.parametrize("email", ["alice@example.com", "pending@example.com"])
def test_email_change_to_an_own_address_is_rejected(email, alice):
    EmailAddress.objects.create(user=alice, email="pending@example.com")

    response = signed_in(alice).post(EMAIL, {"email": email})

    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "duplicate")
    assert sent_emails("verify_email") == []


def test_verification_email_is_sent_until_verified(alice):
    client = signed_in(alice)

    first = client.post(RESEND)
    ApiClient().post(VERIFY, {"key": emailed_key("verify_email")})
    second = client.post(RESEND)

    assert (first.status_code, second.status_code) == (202, 202)
    assert len(sent_emails("verify_email")) == 1
    assert EmailAddress.objects.get().verified


def test_used_or_forged_verification_key_is_not_found(alice):
    signed_in(alice).post(RESEND)
    key = emailed_key("verify_email")
    ApiClient().post(VERIFY, {"key": key})

    codes = [ApiClient().post(VERIFY, {"key": item}).status_code for item in (key, "x", f"{key}x")]

    assert codes == [404] * 3
