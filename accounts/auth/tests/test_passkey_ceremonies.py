"""A passkey challenge counts once and for its own purpose; a passkey whose counter does not rise is refused."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client
from fido2.webauthn import AuthenticatorData

from accounts.auth.tests.test_passkey_origins import (
    ADD,
    CONFIRM,
    LOGIN,
    MFA,
    SITE,
    is_in,
    post_passkey,
    request_options,
    with_passkey,
    with_password,
)
from accounts.models import Session
from events.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
PRESENT = AuthenticatorData.FLAG.UP


@pytest.fixture(autouse=True)
def site(settings):
    settings.SITE_URL = SITE


def respond(browser, path, passkey, options, **signature):
    credential = json.dumps(passkey.get(options, origin=SITE, **signature))
    return browser.post(path, {"credential": credential})


def test_challenge_of_another_purpose_is_refused(alice):
    passkey, browser = with_passkey(alice), with_password(alice)
    before, second_factor = Session.objects.count(), request_options(browser, MFA)

    login = respond(browser, LOGIN, passkey, second_factor, flags=PRESENT)
    assert (login["Location"], is_in(browser), Session.objects.count()) == ("/login/", False, before)

    login_options = request_options(browser, LOGIN)
    second = respond(browser, MFA, passkey, login_options)
    assert (second.status_code, is_in(browser), Session.objects.count()) == (422, False, before)

    post_passkey(browser, LOGIN, passkey, SITE)
    reauthentication = request_options(browser, CONFIRM)
    response = respond(browser, CONFIRM, passkey, login_options)
    assert response["Location"] == "/login/"
    assert browser.get(ADD)["Location"].startswith(CONFIRM)
    respond(browser, CONFIRM, passkey, reauthentication)
    assert browser.get(ADD)["Location"].startswith(CONFIRM)  # the wrong response has used it up
    assert Authenticator.objects.filter(type="webauthn").count() == 1


def test_login_without_user_verification_is_refused(alice):
    passkey, browser, before = with_passkey(alice), Client(), Session.objects.count()

    response = respond(browser, LOGIN, passkey, request_options(browser, LOGIN), flags=PRESENT)

    assert (response["Location"], is_in(browser), Session.objects.count()) == ("/login/", False, before)
    assert Authenticator.objects.get(type="webauthn").last_used_at is None


def test_second_factor_needs_no_user_verification(alice):
    passkey, browser = with_passkey(alice), with_password(alice)

    respond(browser, MFA, passkey, request_options(browser, MFA), flags=PRESENT)

    assert is_in(browser)


def test_challenge_is_accepted_once(alice):
    passkey, browser = with_passkey(alice), Client()
    options = request_options(browser, LOGIN)
    challenges = browser.session["_passkey_challenges"]
    credential = json.dumps(passkey.get(options, origin=SITE))
    browser.post(LOGIN, {"credential": credential})
    assert is_in(browser)
    before = Session.objects.count()

    # A second request that was under way at the same time has read the session before the first one wrote it.
    for stale in (None, challenges):
        other = Client()
        session = other.session
        session["_passkey_challenges"] = stale or {}
        session.save()
        other.cookies["sessionid"] = session.session_key
        other.post(LOGIN, {"credential": credential})
        assert (is_in(other), Session.objects.count()) == (False, before)


def test_challenge_of_another_user_is_refused(alice, bob):
    passkey, foreign = with_passkey(alice), with_passkey(bob)
    browser = with_password(alice)
    options = request_options(browser, MFA)

    response = respond(browser, MFA, foreign, options)

    assert (response.status_code, is_in(browser)) == (422, False)
    assert passkey.id != foreign.id


def test_old_challenge_is_refused(alice, clock):
    passkey, browser = with_passkey(alice), Client()
    options = request_options(browser, LOGIN)
    clock.shift(15 * 60 + 1)

    respond(browser, LOGIN, passkey, options)

    assert not is_in(browser)


def test_counter_that_does_not_rise_is_refused(alice):
    passkey = with_passkey(alice)
    used = Client()
    respond(used, LOGIN, passkey, request_options(used, LOGIN), count=7)
    assert is_in(used)
    mail.outbox.clear()
    before = Session.objects.count()
    data = Authenticator.objects.get(type="webauthn").data

    for count in (6, 7, 0):
        copy, pending = Client(), with_password(alice)
        respond(copy, LOGIN, passkey, request_options(copy, LOGIN), count=count)
        respond(pending, MFA, passkey, request_options(pending, MFA), count=count)
        respond(used, CONFIRM, passkey, request_options(used, CONFIRM), count=count)
        assert (is_in(copy), is_in(pending), Session.objects.count()) == (False, False, before)
        assert used.get(ADD)["Location"].startswith(CONFIRM)
    assert Authenticator.objects.get(type="webauthn").data["signature_count"] == data["signature_count"] == 7
    rejections = Event.objects.filter(name="user.security_changed", payload__change="passkey_refused")
    assert (rejections.count(), rejections.first().subject_id) == (9, alice.pk)

    again = Client()
    respond(again, LOGIN, passkey, request_options(again, LOGIN), count=8)
    assert is_in(again)


def test_counter_of_zero_is_accepted_again(alice):
    passkey = with_passkey(alice)

    for _ in range(2):
        browser = Client()
        respond(browser, LOGIN, passkey, request_options(browser, LOGIN))
        assert is_in(browser)


def test_credential_that_is_not_strict_json_is_refused(alice):
    passkey, browser = with_passkey(alice), with_password(alice)
    options = request_options(browser, MFA)
    credential = passkey.get(options, origin=SITE)
    text = json.dumps(credential)
    response = credential["response"]
    bodies = [
        text[:-1] + ', "id": "x"}',
        text[:-1] + ', "x": NaN}',
        text[:-1] + ",}",
        "[" * 100_000,
        '{"a":' * 100_000,
        '"\\ud800"',
        json.dumps({**credential, "response": {**response, "authenticatorData": "AA"}}),
        json.dumps({**credential, "response": {**response, "signature": 1}}),
        json.dumps({**credential, "rawId": None}),
    ]

    for body in bodies:
        for path in (MFA, LOGIN):
            request_options(browser, path)
            assert browser.post(path, {"credential": body}).status_code in {302, 422}, body[:80]
    assert not is_in(browser)
