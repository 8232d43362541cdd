"""A pending login ends when the password it began with changes."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.auth.login import PENDING_LOGIN_KEY
from accounts.auth.passwords import services as passwords
from accounts.auth.tests.test_mfa_pages import STEP, is_in, with_password
from accounts.auth.tests.test_password_pages import link, parse_link
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD
from accounts.tests.mfa import code_at, recovery_codes, with_totp
from core.testing.clock import NOW
from core.testing.database_state import table_digests

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
NEW = "a wider river turns"
TABLES = ("mfa_authenticator", "accounts_session", "events_event")


def change_password(user):
    passwords.change_password(user=User.objects.get(pk=user.pk), password=NEW, now=NOW)


def reset_password(user):
    Client().post("/password/reset/", {"email": user.email})
    path, data = parse_link(link())
    assert Client().post(path, data | {"password": NEW})["Location"] == "/login/"


def deactivate(user):
    User.objects.filter(pk=user.pk).update(is_active=False)


def make_service_account(user):
    User.objects.filter(pk=user.pk).update(kind=User.Kind.SERVICE, password="!")


def state():
    now = table_digests()
    return {name: now[name] for name in TABLES}


@pytest.mark.parametrize("end", [change_password, reset_password, deactivate, make_service_account])
@pytest.mark.parametrize("kind", ["totp", "recovery code"])
def test_pending_login_ends_with_its_password_or_user(kind, end, alice):
    codes = recovery_codes(with_totp(alice))
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    pending, _ = with_password()
    end(alice)
    before = state()

    response = pending.post(STEP, {"code": code_at(NOW) if kind == "totp" else codes[0]})

    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert not is_in(pending)
    assert state() == before
    assert pending.get(STEP)["Location"] == "/login/"


def test_pending_login_with_an_unopened_link_ends_too(alice, settings):
    """A stranger registered with Alice's address; she changes the password, then opens the link."""
    settings.REQUIRE_VERIFIED_EMAIL = True
    pending, _ = with_password()
    path, data = parse_link(link("verify_email"))
    change_password(alice)

    response = pending.post(path, data)

    assert response["Location"] == "/login/"
    assert (is_in(pending), Session.objects.count()) == (False, 0)


def test_pending_login_goes_on_while_the_password_stays(alice):
    with_totp(alice)
    browser, _ = with_password()

    browser.post(STEP, {"code": code_at(NOW)})

    assert is_in(browser)
    assert PENDING_LOGIN_KEY not in browser.session
    assert User.objects.get().check_password(PASSWORD)


def test_pending_login_goes_on_after_the_mailed_link(alice, settings):
    settings.REQUIRE_VERIFIED_EMAIL = True
    with_totp(alice)
    browser, response = with_password(next="/tasks/")
    path, data = parse_link(link("verify_email"))

    verified = browser.post(path, data)
    browser.post(STEP, {"code": code_at(NOW)})

    assert (response["Location"], verified["Location"]) == ("/verify-email/sent/", STEP)
    assert is_in(browser)
