"""Who has neither a password nor a factor confirms with nothing: what outlives a session asks them for a new sign-in."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY

from accounts.auth.tests.test_headless_api import Program
from accounts.models import Session, User
from accounts.tests.mfa import SECRET, code_at, with_totp
from core.security.encryption import encrypt
from core.testing.clock import NOW
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
SECURITY = "/settings/security/"
SET, APP = f"{SECURITY}password/set/", f"{SECURITY}app/"
NEW = {"password1": "a wider river turns"}
KEY = {"name": "Program", "days": "30", "scopes": ["tasks:read"], "allowed_networks": ""}
# What a stranger at a browser found open would ask for, and where the person comes back to.
PAGES = {
    "a key": ("/settings/api-keys/", KEY, "/settings/api-keys/"),
    "a password": (SET, NEW, SET),
    "another address": (f"{SECURITY}email/", {"email": "new@example.com"}, SECURITY),
    "an app": (APP, {"code": code_at(NOW, secret=SECRET)}, SECURITY),
    "a passkey": (f"{SECURITY}passkeys/add/", {"name": "Phone", "credential": "{}"}, SECURITY),
}
TOTP = "account/authenticators/totp"
DOORS = {
    "a password": ("post", "account/password/change", {"new_password": NEW["password1"]}),
    "another address": ("post", "account/email", {"email": "new@example.com"}),
    "a passkey": ("get", "account/authenticators/webauthn", None),
}
KEPT = ("accounts_user", "accounts_apikey", "account_emailaddress", "mfa_authenticator", "notifications_outgoingemail")


def state():
    now = table_digests()
    return {name: now[name] for name in KEPT}


def came_by_a_provider(user, *, ago):
    """A browser, signed in that long ago, of somebody who never had a password."""
    User.objects.filter(pk=user.pk).update(password="!")
    browser = logged_in_client(User.objects.get(pk=user.pk))
    Session.objects.update(created_at=NOW - timedelta(minutes=ago))
    return browser


def program_of(user, *, ago):
    """Signed in that long ago, as by a passkey that was removed since."""
    program = Program()
    program.sign_in()
    User.objects.filter(pk=user.pk).update(password="!")
    Session.objects.update(created_at=NOW - timedelta(minutes=ago))
    kept = import_module(settings.SESSION_ENGINE).SessionStore(program.token)
    kept[HASH_SESSION_KEY] = User.objects.get(pk=user.pk).get_session_auth_hash()
    kept.save()
    assert program.ask("get", "auth/session").status_code == 200
    return program


@pytest.mark.parametrize("what", PAGES)
def test_a_page_gives_none_of_it_to_a_browser_found_open(what, alice):
    path, sent, back = PAGES[what]
    browser = came_by_a_provider(alice, ago=6)
    before = state()

    answer = browser.post(path, sent)

    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={back.replace('/', '%2F')}")
    assert state() == before
    assert "Sign in again to show that it is you" in browser.get(answer["Location"]).content.decode()


@pytest.mark.parametrize("what", ["a password", "another address", "an app", "a passkey"])
def test_a_page_that_is_opened_leads_back_to_itself(what, alice):
    path = PAGES[what][0]

    answer = came_by_a_provider(alice, ago=6).get(path)

    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={path.replace('/', '%2F')}")


@pytest.mark.parametrize("what", ["a key", "a password", "another address"])
def test_whoever_has_just_signed_in_gets_it(what, alice):
    path, sent, _ = PAGES[what]
    browser = came_by_a_provider(alice, ago=4)
    before = state()

    answer = browser.post(path, sent)

    assert answer.status_code in {200, 302}
    assert not answer.headers.get("Location", "").startswith("/login/")
    assert state() != before


def test_an_app_is_added_by_whoever_has_just_signed_in(alice):
    browser = came_by_a_provider(alice, ago=4)
    kept = browser.session
    kept[SECRET_SESSION_KEY] = encrypt(SECRET, purpose="second factor")
    kept.save()

    answer = browser.post(APP, {"code": code_at(NOW, secret=SECRET)})

    assert answer.status_code == 302
    assert alice.authenticator_set.filter(type="totp").exists()


@pytest.mark.parametrize("what", DOORS)
def test_a_program_gets_none_of_it_later(what, alice):
    method, door, sent = DOORS[what]
    program = program_of(alice, ago=6)
    before = state()

    answer = program.ask(method, door, sent)

    assert answer.status_code == 401
    assert state() == before


@pytest.mark.parametrize(("ago", "status"), [(6, 401), (4, 200)])
def test_a_program_adds_an_app_after_a_new_sign_in_only(ago, status, alice):
    program = program_of(alice, ago=ago)
    secret = program.ask("get", TOTP).json()["meta"]["secret"]

    answer = program.ask("post", TOTP, {"code": code_at(NOW, secret=secret)})

    assert (answer.status_code, alice.authenticator_set.exists()) == (status, status == 200)


@pytest.mark.parametrize("what", DOORS)
def test_a_program_gets_it_at_once(what, alice):
    method, door, sent = DOORS[what]

    assert program_of(alice, ago=4).ask(method, door, sent).status_code == 200


def test_who_has_a_factor_but_no_password_gives_a_code_before_they_get_a_password(alice):
    browser = came_by_a_provider(with_totp(alice), ago=4)
    before = state()

    answer = browser.post(SET, NEW)

    assert (answer.status_code, answer["Location"]) == (302, f"/reauthenticate/code/?next={SET.replace('/', '%2F')}")
    assert state() == before


def test_a_program_of_theirs_sends_a_code_too(alice):
    program = program_of(alice, ago=4)
    with_totp(alice)
    before = state()

    refused = program.ask("post", *DOORS["a password"][1:])

    assert (refused.status_code, state()) == (401, before)
    assert program.ask("post", "auth/2fa/reauthenticate", {"code": code_at(NOW)}).status_code == 200
    assert program.ask("post", *DOORS["a password"][1:]).status_code == 200
