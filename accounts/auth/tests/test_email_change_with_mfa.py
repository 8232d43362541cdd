"""Another address for somebody with a second factor, a factor for somebody who has proposed one; at both doors."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator

from accounts.auth.tests.test_email_verification import open_link, verified
from accounts.auth.tests.test_headless_api import Program
from accounts.models import User
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import reauthenticated_browser
from accounts.tests.mfa import code_at, recovery_codes, with_passkey, with_totp
from core.testing.clock import NOW
from core.testing.page_client import visible_text

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.django_db]
OLD, NEW = "alice@example.com", "liddell@example.com"
HOME, APP, PASSKEY = "/settings/security/", "/settings/security/app/", "/settings/security/passkeys/add/"


class OnPages:
    def __init__(self, user):
        self.client = reauthenticated_browser(user)

    def propose(self, email):
        return self.client.post("/settings/security/email/", {"email": email})

    def add_app(self):
        found = re.search(r'class="secret">([A-Z2-7]{32})<', self.client.get(APP).content.decode())
        return self.client.post(APP, {"code": code_at(NOW, secret=found[1]) if found else "000000"})

    def add_passkey(self):
        return self.client.post(PASSKEY, {"name": "Key", "credential": "{}"})


class ByProgram:
    def __init__(self, user):
        self.program = Program()
        if self.program.sign_in().status_code == 401:
            self.program.ask("post", "auth/2fa/authenticate", {"code": recovery_codes(user)[0]})
            self.program.ask("post", "auth/2fa/reauthenticate", {"code": recovery_codes(user)[0]})
        else:
            self.program.ask("post", "auth/reauthenticate", {"password": PASSWORD})

    def propose(self, email):
        return self.program.ask("post", "account/email", {"email": email})

    def add_app(self):
        secret = self.program.ask("get", "account/authenticators/totp").json()["meta"]["secret"]
        return self.program.ask("post", "account/authenticators/totp", {"code": code_at(NOW, secret=secret)})

    def add_passkey(self):
        return self.program.ask("post", "account/authenticators/webauthn", {"name": "Key", "credential": {}})


doors = pytest.mark.parametrize("door", [OnPages, ByProgram])
demands = pytest.mark.parametrize("is_demanded", [False, True], ids=["freely", "confirmed addresses demanded"])
states = pytest.mark.parametrize("is_verified", [False, True], ids=["unconfirmed", "confirmed"])
factors = pytest.mark.parametrize("add_factor", [lambda one: one, with_totp], ids=["no factor", "an app"])


def demand(settings, is_demanded):
    """From now on: who is signed in stays so."""
    settings.REQUIRE_VERIFIED_EMAIL = is_demanded
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory" if is_demanded else "optional"


def with_address(user, is_verified):
    EmailAddress.objects.create(user=user, email=user.email, verified=is_verified, primary=True)
    return user


@doors
@demands
@states
@factors
def test_another_address_takes_the_place_of_the_first_once_it_is_confirmed(
    door, is_demanded, is_verified, add_factor, settings, alice
):
    here = door(add_factor(with_address(alice, is_verified)))
    demand(settings, is_demanded)

    answer = here.propose(NEW)
    between = (User.objects.get().email, verified())
    open_link()

    assert answer.status_code < 400
    assert between == (OLD, [OLD] if is_verified else [])
    assert User.objects.get().email == NEW
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [(NEW, True, True)]


@doors
@demands
@factors
def test_an_address_that_somebody_took_meanwhile_leaves_the_confirmed_one(
    door, is_demanded, add_factor, settings, alice, bob
):
    here = door(add_factor(with_address(alice, True)))
    demand(settings, is_demanded)
    here.propose(NEW)
    User.objects.filter(pk=bob.pk).update(email=NEW)

    answer = open_link()

    assert answer.status_code == 409
    assert User.objects.get(pk=alice.pk).email == OLD
    assert verified() == [OLD]


@doors
@demands
@states
@pytest.mark.parametrize("has_proposed", [False, True], ids=["", "another one proposed"])
def test_an_app_is_added_unless_an_address_to_be_confirmed_is_not(
    door, is_demanded, is_verified, has_proposed, settings, alice
):
    here = door(with_address(alice, is_verified))
    demand(settings, is_demanded)
    if has_proposed:
        here.propose(NEW)

    here.add_app()

    is_added = is_verified or not is_demanded
    assert Authenticator.objects.filter(type="totp").exists() is is_added


@doors
def test_the_refusal_says_what_to_do_first(door, settings, alice):
    here = door(with_address(alice, False))
    demand(settings, True)

    answers = [here.add_app(), here.add_passkey()]

    if door is OnPages:
        assert {(one.status_code, one["Location"]) for one in answers} == {(302, HOME)}
        assert "Confirm your e-mail address first" in visible_text(here.client.get(HOME))
    else:
        assert {(one.status_code, one.json()["errors"][0]["code"]) for one in answers} == {(409, "unverified_email")}
    assert Authenticator.objects.count() == 0


@doors
@demands
def test_taking_a_proposal_back_leaves_the_confirmed_address(door, is_demanded, settings, alice):
    here = door(with_totp(with_address(alice, True)))
    demand(settings, is_demanded)
    here.propose(NEW)

    here.propose("other@example.com")

    assert set(EmailAddress.objects.values_list("email", "verified")) == {(OLD, True), ("other@example.com", False)}


@demands
def test_a_program_takes_away_neither_the_present_address_nor_makes_another_the_first(is_demanded, settings, alice):
    here = ByProgram(with_totp(with_address(alice, True)))
    demand(settings, is_demanded)
    here.propose(NEW)

    answers = [
        here.program.ask("delete", "account/email", {"email": OLD}),
        here.program.ask("patch", "account/email", {"email": NEW, "primary": True}),
    ]

    assert [one.status_code for one in answers] == [400, 405]
    assert (User.objects.get().email, verified()) == (OLD, [OLD])


def test_with_a_passkey_alone_it_goes_the_same_way(settings, alice):
    here = OnPages(with_address(alice, True))
    with_passkey(alice)
    demand(settings, True)

    here.propose(NEW)
    open_link()

    assert (User.objects.get().email, verified()) == (NEW, [NEW])
