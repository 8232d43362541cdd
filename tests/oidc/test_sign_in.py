"""Signing in by an honest provider: who comes in, as whom, and what the provider is asked."""

from __future__ import annotations

import base64
import hashlib
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.sessions.models import Session as Cookie
from django.test import Client

from accounts.models import Session, User
from accounts.tests.factories import UserFactory, with_address
from core.testing.pages import enter, words
from events.models import Event
from tests.oidc.conftest import START, Browser, linked
from tests.oidc.provider import CLIENT_ID, CLIENT_SECRET, PERSON

pytestmark = pytest.mark.django_db
HERE = "http://testserver/login/with/example/callback/"


def asked(away) -> dict[str, str]:
    return {name: found[0] for name, found in parse_qs(urlsplit(away.context["address"]).query).items()}


def facts() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("name", flat=True))


def test_registers_somebody_new_with_a_verified_address_and_no_password(idp, browser_here):
    answer = browser_here.walk(idp)

    person = User.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert (person.email, person.name, person.handle) == ("ada@example.com", "Ada Lovelace", "ada")
    assert not person.has_usable_password()
    assert browser_here.person == str(person.pk)
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [("ada@example.com", True, True)]
    assert list(SocialAccount.objects.values_list("provider", "uid")) == [("example", PERSON["sub"])]
    assert facts()[:2] == ["user.registered", "identity.linked"]


def test_knows_them_again_by_the_subject_alone(idp, browser_here):
    browser_here.walk(idp)
    idp.script(person={"email": "countess@example.org", "email_verified": False, "name": "Countess"})
    again = Browser()

    again.walk(idp)

    assert again.person == browser_here.person
    assert User.objects.get().email == "ada@example.com"


def test_takes_another_subject_for_another_person(idp, browser_here):
    browser_here.walk(idp)
    idp.script(person={"sub": "another", "email": "eve@example.com", "name": "Eve"})
    other = Browser()

    other.walk(idp)

    assert other.person != browser_here.person
    assert User.objects.count() == 2


def test_goes_on_to_where_the_person_wanted_to_go(ada, idp, browser_here):
    answer = browser_here.walk(idp, next="/tasks/?search=x")

    assert answer["Location"] == "/tasks/?search=x"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_goes_nowhere_else(elsewhere, ada, idp, browser_here):
    assert browser_here.walk(idp, next=elsewhere)["Location"] == "/"


def test_a_browser_that_came_in_is_a_session_like_others(ada, idp, browser_here):
    browser_here.walk(idp)

    assert browser_here.get("/").status_code == 200
    assert Session.objects.get().user == ada


def test_asks_for_a_code_bound_to_this_browser(idp, browser_here):
    one, two = asked(browser_here.leave()), asked(browser_here.leave())

    assert one["response_type"] == "code"
    assert (one["client_id"], one["redirect_uri"]) == (CLIENT_ID, HERE)
    assert set(one["scope"].split()) == {"openid", "email", "profile"}
    assert one["code_challenge_method"] == "S256"
    assert min(len(one[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert not {one[name] for name in ("state", "nonce", "code_challenge")} & set(two.values())


def test_nobody_adds_to_what_the_provider_is_asked(idp, browser_here):
    more = "?scope=admin&auth_params=redirect_uri%3Dhttps%3A%2F%2Fevil.example%26prompt%3Dnone"

    away = browser_here.post(f"{START}{more}", {"scope": "admin", "process": "redirect"})

    assert (asked(away)["redirect_uri"], asked(away)["scope"]) == (HERE, "openid email profile")
    assert "prompt" not in asked(away)


def test_shows_the_verifier_and_the_secret_to_the_token_door_only(idp, browser_here):
    away = browser_here.leave()
    browser_here.come_back(browser_here.visit(idp, away))

    (token,) = idp.seen("token")
    pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(token["form"]["code_verifier"].encode()).digest()).rstrip(b"=")
    assert token["headers"]["Authorization"] == f"Basic {pair}"
    assert (token["query"], token["form"]["redirect_uri"]) == ({}, HERE)
    assert digest.decode() == asked(away)["code_challenge"]
    assert CLIENT_SECRET not in json.dumps(idp.seen("authorize"))


def test_shows_the_secret_in_the_form_where_the_provider_wants_that(idp, browser_here):
    idp.script(discovery={"token_endpoint_auth_methods_supported": ["client_secret_post"]})

    browser_here.walk(idp)

    (token,) = idp.seen("token")
    assert token["form"]["client_secret"] == CLIENT_SECRET
    assert "Authorization" not in token["headers"]


def test_takes_the_address_from_userinfo_where_the_id_token_has_none(idp, browser_here):
    idp.script(claims={"email": None, "email_verified": None, "name": None})

    browser_here.walk(idp)

    assert User.objects.get().email == "ada@example.com"


def test_follows_a_provider_to_its_next_key(ada, idp, browser_here, monkeypatch):
    browser_here.walk(idp)
    monkeypatch.setattr("accounts.oidc.issuer.LOOK_AGAIN", -1)
    idp.script(rotated=True)
    again = Browser()

    again.walk(idp)

    assert again.person == str(ada.pk)


def test_asks_for_keys_that_nobody_knows_only_now_and_then(idp, browser_here):
    browser_here.walk(idp)
    idp.script(signed="an unknown key")

    for _ in range(3):
        Browser().walk(idp)

    assert idp.seen("jwks") == []


def test_keeps_no_token_of_the_provider(idp, browser_here):
    browser_here.walk(idp)

    assert SocialToken.objects.count() == 0
    kept = json.dumps([cookie.get_decoded() for cookie in Cookie.objects.all()], default=str)
    assert "access_token" not in kept
    assert "eyJ" not in kept
    assert list(SocialAccount.objects.values_list("extra_data", flat=True)) == [{"email": "ada@example.com"}]


def test_a_second_factor_is_still_asked_for(ada, idp, browser_here):
    linked(ada)
    TOTP.activate(ada, generate_totp_secret())

    answer = browser_here.walk(idp)

    assert answer["Location"].startswith("/login/second-factor/")
    assert browser_here.person is None
    assert browser_here.get("/").status_code == 302


@pytest.mark.parametrize("is_linked", [True, False])
def test_somebody_who_was_switched_off_stays_out(is_linked, ada, idp, browser_here, world):
    if is_linked:
        linked(ada)
    User.objects.update(is_active=False)
    before = world.state()

    answer = browser_here.walk(idp)

    assert (answer.status_code, browser_here.person) == (401, None)
    assert world.state() == before


@pytest.mark.parametrize("path", ["/login/with/nobody/", "/login/with/nobody/callback/", "/login/with/example/token/"])
def test_there_is_no_other_door(path, idp, browser_here):
    assert (browser_here.get(path).status_code, browser_here.post(path).status_code) in {
        (404, 404),
        (405, 404),
        (404, 405),
    }


def test_counts_who_begins_too_often(idp, browser_here, settings):
    settings.LOGIN_RATE_PER_ADDRESS = "2/5m"

    codes = [browser_here.leave().status_code for _ in range(3)]

    assert codes == [200, 200, 429]


def test_the_sign_in_page_has_a_button_for_each_provider(idp, settings):
    page = Client().get("/login/", {"next": "/tasks/"})
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"].clear()
    without = Client().get("/login/")

    assert "Continue with Example ID" in words(page)
    assert f'action="{START}"'.encode() in page.content
    assert b'name="next" value="/tasks/"' in page.content
    assert "Continue with" not in words(without)


def test_the_way_there_is_a_page_that_goes_on_by_itself_and_is_kept_nowhere(idp, browser_here):
    away = browser_here.leave()

    assert b'http-equiv="refresh" content="0; url=http://127.0.0.1' in away.content
    assert "no-store" in away["Cache-Control"]
    assert "form-action 'self'" in away["Content-Security-Policy"]


def test_a_signed_in_person_is_taken_on(ada, idp, browser_here):
    enter(browser_here, ada)

    assert browser_here.leave(next="/tasks/")["Location"] == "/tasks/"


def test_another_person_who_signed_in_meanwhile_is_signed_out_first(ada, idp, browser_here):
    linked(ada)
    bob = with_address(UserFactory(handle="bob"), verified=True)
    away = browser_here.leave()
    address = browser_here.visit(idp, away)
    enter(browser_here, bob)

    answer = browser_here.come_back(address)

    assert (answer.status_code, browser_here.person) == (302, str(ada.pk))
    assert list(Session.objects.filter(revoked_at=None).values_list("user", flat=True)) == [ada.pk]
