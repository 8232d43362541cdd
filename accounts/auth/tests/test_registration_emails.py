"""What registering mails, and that neither its answers nor its counts tell who has an account."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.auth.tests.test_password_pages import sent_emails
from accounts.models import User
from accounts.tests.fixtures import ApiClient
from notifications.models import OutgoingEmail

PASSWORD = "seven quiet geese"
KNOWN, UNKNOWN = "alice@example.com", "nora@example.com"


@pytest.fixture(autouse=True)
def _strict(settings, alice):
    settings.REQUIRE_VERIFIED_EMAIL = True


def by_page(email):
    return Client().post("/register/", {"email": email, "password": PASSWORD, "name": "Nora"}).status_code


def by_api(email):
    data = {"email": email, "password": PASSWORD, "name": "Nora"}
    return ApiClient().post("/api/v1/auth/register/", data).status_code


def lost_password(email):
    return ApiClient().post("/api/v1/auth/password-reset/", {"email": email}).status_code


@pytest.mark.parametrize("email", [KNOWN, UNKNOWN])
@pytest.mark.parametrize(("register", "done"), [(by_page, 302), (by_api, 202)], ids=["page", "api"])
def test_a_caller_registers_so_many_times_an_hour_whether_or_not_the_address_is_known(register, done, email, settings):
    settings.REGISTER_RATE = "2/h"

    assert [register(email) for _ in range(3)] == [done, done, 429]
    assert len(sent_emails("account_exists" if email == KNOWN else "verify_email")) <= 2


@pytest.mark.parametrize("register", [by_page, by_api], ids=["page", "api"])
def test_one_mailbox_gets_so_many_mails_an_hour_of_registrations(register, settings):
    settings.EMAIL_LINK_RATE = "2/h"

    for _ in range(4):
        register(KNOWN)

    assert len(sent_emails("account_exists")) == OutgoingEmail.objects.count() == 2


@pytest.mark.parametrize("email", [KNOWN, UNKNOWN])
def test_registering_uses_up_no_mail_for_a_lost_password(email, settings):
    settings.EMAIL_LINK_RATE = "2/h"
    by_api(email)

    assert [lost_password(email) for _ in range(3)] == [202, 202, 429]


def test_whoever_asks_for_a_lost_password_in_anothers_name_does_not_keep_them_from_registering(settings):
    settings.EMAIL_LINK_RATE = "1/h"
    lost_password(UNKNOWN)

    assert by_api(UNKNOWN) == 202
    assert [one.to for one in sent_emails("verify_email")] == [[UNKNOWN]]


@pytest.mark.parametrize("password", ["nora@example.com", "Nora Bergstrom"])
def test_a_password_like_ones_own_address_or_name_is_refused(password):
    data = {"email": UNKNOWN, "password": password, "name": "Nora Bergstrom"}

    response = ApiClient().post("/api/v1/auth/register/", data)

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "password")
    assert not User.objects.filter(email=UNKNOWN).exists()
    assert OutgoingEmail.objects.count() == 0
