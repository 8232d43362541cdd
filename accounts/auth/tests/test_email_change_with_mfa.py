"""Another address for somebody with a second factor, a factor for somebody who has proposed one; at both doors."""

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


class OnPages:
    def __init__(self, user):
        self.client = reauthenticated_browser(user)

    def propose(self, email):
        return self.client.post("/settings/security/email/", {"email": email})

    def add_app(self):
        page = self.client.get(APP)
        return self.client.post(APP, totp_form(page, NOW) if page.status_code == 200 else {"code": "000000"})

    def add_passkey(self):
        return self.client.post(PASSKEY, {"name": "Key", "credential": "{}"})


class ByApi:
    def __init__(self, user):
        self.client = signed_in(user)

    def propose(self, email):
        return self.client.post("/api/v1/me/email/", {"email": email})

    def add_app(self):
        begun = self.client.post("/api/v1/me/mfa/totp/")
        if begun.status_code != 200:
            return begun
        setup = begun.json()
        data = {"setup_token": setup["setup_token"], "code": code_at(NOW, secret=setup["secret"])}
        return self.client.post("/api/v1/me/mfa/totp/confirm/", data)


doors = pytest.mark.parametrize("door", [OnPages, ByApi])
demands = pytest.mark.parametrize("is_demanded", [False, True], ids=["freely", "confirmed addresses demanded"])
states = pytest.mark.parametrize("is_verified", [False, True], ids=["unconfirmed", "confirmed"])
factors = pytest.mark.parametrize("add_factor", [lambda one: one, with_totp], ids=["no factor", "an app"])


def demand(settings, is_demanded):
    """From now on: who is signed in stays so."""
    settings.REQUIRE_VERIFIED_EMAIL = is_demanded


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


def test_page_says_what_to_do_first(settings, alice):
    here = OnPages(with_address(alice, False))
    demand(settings, True)

    responses = [here.add_app(), here.add_passkey()]

    assert {(response.status_code, response["Location"]) for response in responses} == {(302, HOME)}
    assert "Confirm your email address first" in visible_text(here.client.get(HOME))
    assert Authenticator.objects.count() == 0


def test_api_says_what_to_do_first(settings, alice):
    here = ByApi(with_address(alice, False))
    demand(settings, True)

    response = here.add_app()

    assert (response.status_code, response.json()["code"]) == (409, "email_not_verified")
    assert Authenticator.objects.count() == 0


@doors
@demands
def test_taking_a_proposal_back_leaves_the_confirmed_address(door, is_demanded, settings, alice):
    here = door(with_totp(with_address(alice, True)))
    demand(settings, is_demanded)
    here.propose(NEW)

    here.propose("other@example.com")

    assert set(EmailAddress.objects.values_list("email", "verified")) == {(OLD, True), ("other@example.com", False)}


def test_with_a_passkey_alone_it_goes_the_same_way(settings, alice):
    here = OnPages(with_address(alice, True))
    with_passkey(alice)
    demand(settings, True)

    here.propose(NEW)
    open_link()

    assert (User.objects.get().email, verified()) == (NEW, [NEW])
