"""A sign-in that waits for its second step is over when the password it began with is."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.auth.passwords import services as passwords
from accounts.auth.pending_login import PENDING_LOGIN_KEY
from accounts.auth.tests.test_mfa_pages import STEP, is_in, with_password
from accounts.auth.tests.test_password_pages import form_of, link
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD
from accounts.tests.mfa import code_at, recovery_codes, with_totp
from core.testing.clock import NOW
from core.testing.database_state import table_digests

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
NEW = "a wider river turns"
TABLES = ("mfa_authenticator", "accounts_session", "events_event")


def change(user):
    passwords.change_password(user=User.objects.get(pk=user.pk), password=NEW, now=NOW)


def reset(user):
    Client().post("/password/reset/", {"email": user.email})
    path, sent = form_of(link())
    assert Client().post(path, sent | {"password": NEW})["Location"] == "/login/"


def switch_off(user):
    User.objects.filter(pk=user.pk).update(is_active=False)


def make_a_service(user):
    User.objects.filter(pk=user.pk).update(kind=User.Kind.SERVICE, password="!")


ENDS = [change, reset, switch_off, make_a_service]


def state():
    now = table_digests()
    return {name: now[name] for name in TABLES}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_a_page_s_ends(kind, end, alice):
    codes = recovery_codes(with_totp(alice))
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    waiting, _ = with_password()
    end(alice)
    before = state()

    answer = waiting.post(STEP, {"code": code_at(NOW) if kind == "app" else codes[0]})

    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert not is_in(waiting)
    assert state() == before
    assert waiting.get(STEP)["Location"] == "/login/"


def test_one_that_waits_for_a_mailed_link_ends_too(alice, settings):
    """Somebody registered with alice's address and waits; she chooses another password, and opens the link later."""
    settings.REQUIRE_VERIFIED_EMAIL = True
    waiting, _ = with_password()
    found = form_of(link("verify_email"))
    change(alice)

    answer = waiting.post(found[0], found[1])

    assert answer["Location"] == "/login/"
    assert (is_in(waiting), Session.objects.count()) == (False, 0)


def test_pending_login_goes_on_while_the_password_stays(alice):
    with_totp(alice)
    page = with_password()[0]

    page.post(STEP, {"code": code_at(NOW)})

    assert is_in(page)
    assert PENDING_LOGIN_KEY not in page.session
    assert User.objects.get().check_password(PASSWORD)


def test_pending_login_goes_on_after_the_mailed_link(alice, settings):
    settings.REQUIRE_VERIFIED_EMAIL = True
    with_totp(alice)
    browser, response = with_password(next="/tasks/")
    path, data = form_of(link("verify_email"))

    verified = browser.post(path, data)
    browser.post(STEP, {"code": code_at(NOW)})

    assert (response["Location"], verified["Location"]) == ("/verify-email/sent/", STEP)
    assert is_in(browser)
