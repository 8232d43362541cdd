"""Emails and limits of registrations, which must not reveal existing accounts."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.auth.tests.test_password_pages import sent_emails
from accounts.models import User
from accounts.tests.fixtures import ApiClient
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.usefixtures("verified_email_required", "alice")
PASSWORD = "seven quiet geese"
KNOWN, UNKNOWN = "alice@example.com", "nora@example.com"


def register_on_page(email):
    return Client().post("/register/", {"email": email, "password": PASSWORD, "name": "Nora"}).status_code


def register_by_api(email):
    data = {"email": email, "password": PASSWORD, "name": "Nora"}
    return ApiClient().post("/api/v1/auth/register/", data).status_code


def request_reset(email):
    return ApiClient().post("/api/v1/auth/password-reset/", {"email": email}).status_code


@pytest.mark.parametrize("email", [KNOWN, UNKNOWN])
@pytest.mark.parametrize(
    ("register", "success"), [(register_on_page, 302), (register_by_api, 202)], ids=["page", "api"]
)
def test_registration_limit_is_the_same_for_known_addresses(register, success, email, settings):
    settings.REGISTER_RATE = "2/h"

    assert [register(email) for _ in range(3)] == [success, success, 429]
    assert len(sent_emails("account_exists" if email == KNOWN else "verify_email")) <= 2


@pytest.mark.parametrize("register", [register_on_page, register_by_api], ids=["page", "api"])
def test_registration_emails_are_limited_per_mailbox(register, settings):
    settings.EMAIL_LINK_RATE = "2/h"

    for _ in range(4):
        register(KNOWN)

    assert len(sent_emails("account_exists")) == OutgoingEmail.objects.count() == 2


@pytest.mark.parametrize("email", [KNOWN, UNKNOWN])
def test_registration_does_not_use_up_the_reset_email_limit(email, settings):
    settings.EMAIL_LINK_RATE = "2/h"
    register_by_api(email)

    assert [request_reset(email) for _ in range(3)] == [202, 202, 429]


def test_reset_request_does_not_block_a_registration(settings):
    settings.EMAIL_LINK_RATE = "1/h"
    request_reset(UNKNOWN)

    assert register_by_api(UNKNOWN) == 202
    assert [email.to for email in sent_emails("verify_email")] == [[UNKNOWN]]


def test_password_similar_to_the_email_or_name_is_rejected():
    for password in ("nora@example.com", "Nora Bergstrom"):
        data = {"email": UNKNOWN, "password": password, "name": "Nora Bergstrom"}

        response = ApiClient().post("/api/v1/auth/register/", data)

        assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "password"), password
    assert not User.objects.filter(email=UNKNOWN).exists()
    assert OutgoingEmail.objects.count() == 0
