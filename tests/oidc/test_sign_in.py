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
from accounts.tests.factories import UserFactory, with_email_address
from core.testing.page_client import log_in, visible_text
from events.models import Event
from tests.oidc.conftest import START_PATH, Browser, link_account
from tests.oidc.provider import CLIENT_ID, CLIENT_SECRET, USER_CLAIMS

pytestmark = pytest.mark.django_db
CALLBACK_URL = "http://testserver/login/with/example/callback/"


def authorization_params(away) -> dict[str, str]:
    return {name: found[0] for name, found in parse_qs(urlsplit(away.context["address"]).query).items()}


def event_names() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("name", flat=True))


def test_registers_somebody_new_with_a_verified_address_and_no_password(idp, oidc_browser):
    answer = oidc_browser.sign_in(idp)

    user = User.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert (user.email, user.name, user.handle) == ("ada@example.com", "Ada Lovelace", "ada")
    assert not user.has_usable_password()
    assert oidc_browser.user == str(user.pk)
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [("ada@example.com", True, True)]
    assert list(SocialAccount.objects.values_list("provider", "uid")) == [("example", USER_CLAIMS["sub"])]
    assert event_names()[:2] == ["user.registered", "identity.linked"]


def test_knows_them_again_by_the_subject_alone(idp, oidc_browser):
    oidc_browser.sign_in(idp)
    idp.script(user={"email": "countess@example.org", "email_verified": False, "name": "Countess"})
    again = Browser()

    again.sign_in(idp)

    assert again.user == oidc_browser.user
    assert User.objects.get().email == "ada@example.com"


def test_takes_another_subject_for_another_person(idp, oidc_browser):
    oidc_browser.sign_in(idp)
    idp.script(user={"sub": "another", "email": "eve@example.com", "name": "Eve"})
    other = Browser()

    other.sign_in(idp)

    assert other.user != oidc_browser.user
    assert User.objects.count() == 2


def test_goes_on_to_where_the_person_wanted_to_go(ada, idp, oidc_browser):
    answer = oidc_browser.sign_in(idp, next="/tasks/?search=x")

    assert answer["Location"] == "/tasks/?search=x"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_goes_nowhere_else(elsewhere, ada, idp, oidc_browser):
    assert oidc_browser.sign_in(idp, next=elsewhere)["Location"] == "/"


def test_a_browser_that_came_in_is_a_session_like_others(ada, idp, oidc_browser):
    oidc_browser.sign_in(idp)

    assert oidc_browser.get("/").status_code == 200
    assert Session.objects.get().user == ada


def test_asks_for_a_code_bound_to_this_browser(idp, oidc_browser):
    one, two = authorization_params(oidc_browser.start_login()), authorization_params(oidc_browser.start_login())

    assert one["response_type"] == "code"
    assert (one["client_id"], one["redirect_uri"]) == (CLIENT_ID, CALLBACK_URL)
    assert set(one["scope"].split()) == {"openid", "email", "profile"}
    assert one["code_challenge_method"] == "S256"
    assert min(len(one[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert not {one[name] for name in ("state", "nonce", "code_challenge")} & set(two.values())


def test_nobody_adds_to_what_the_provider_is_asked(idp, oidc_browser):
    more = "?scope=admin&auth_params=redirect_uri%3Dhttps%3A%2F%2Fevil.example%26prompt%3Dnone"

    away = oidc_browser.post(f"{START_PATH}{more}", {"scope": "admin", "process": "redirect"})

    assert (authorization_params(away)["redirect_uri"], authorization_params(away)["scope"]) == (
        CALLBACK_URL,
        "openid email profile",
    )
    assert "prompt" not in authorization_params(away)


def test_shows_the_verifier_and_the_secret_to_the_token_door_only(idp, oidc_browser):
    away = oidc_browser.start_login()
    oidc_browser.return_to_callback(oidc_browser.authorize(idp, away))

    (token,) = idp.seen("token")
    pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(token["form"]["code_verifier"].encode()).digest()).rstrip(b"=")
    assert token["headers"]["Authorization"] == f"Basic {pair}"
    assert (token["query"], token["form"]["redirect_uri"]) == ({}, CALLBACK_URL)
    assert digest.decode() == authorization_params(away)["code_challenge"]
    assert CLIENT_SECRET not in json.dumps(idp.seen("authorize"))


def test_shows_the_secret_in_the_form_where_the_provider_wants_that(idp, oidc_browser):
    idp.script(discovery={"token_endpoint_auth_methods_supported": ["client_secret_post"]})

    oidc_browser.sign_in(idp)

    (token,) = idp.seen("token")
    assert token["form"]["client_secret"] == CLIENT_SECRET
    assert "Authorization" not in token["headers"]


def test_takes_the_address_from_userinfo_where_the_id_token_has_none(idp, oidc_browser):
    idp.script(claims={"email": None, "email_verified": None, "name": None})

    oidc_browser.sign_in(idp)

    assert User.objects.get().email == "ada@example.com"


def test_follows_a_provider_to_its_next_key(ada, idp, oidc_browser, monkeypatch):
    oidc_browser.sign_in(idp)
    monkeypatch.setattr("accounts.auth.oidc.issuer.JWKS_REFRESH_INTERVAL", -1)
    idp.script(rotated=True)
    again = Browser()

    again.sign_in(idp)

    assert again.user == str(ada.pk)


def test_asks_for_keys_that_nobody_knows_only_now_and_then(idp, oidc_browser):
    oidc_browser.sign_in(idp)
    idp.script(signed="an unknown key")

    for _ in range(3):
        Browser().sign_in(idp)

    assert idp.seen("jwks") == []


def test_keeps_no_token_of_the_provider(idp, oidc_browser):
    oidc_browser.sign_in(idp)

    assert SocialToken.objects.count() == 0
    kept = json.dumps([cookie.get_decoded() for cookie in Cookie.objects.all()], default=str)
    assert "access_token" not in kept
    assert "eyJ" not in kept
    assert list(SocialAccount.objects.values_list("extra_data", flat=True)) == [{"email": "ada@example.com"}]


def test_a_second_factor_is_still_asked_for(ada, idp, oidc_browser):
    link_account(ada)
    TOTP.activate(ada, generate_totp_secret())

    answer = oidc_browser.sign_in(idp)

    assert answer["Location"].startswith("/login/mfa/")
    assert oidc_browser.user is None
    assert oidc_browser.get("/").status_code == 302


@pytest.mark.parametrize("is_linked", [True, False])
def test_somebody_who_was_switched_off_stays_out(is_linked, ada, idp, oidc_browser, database_state):
    if is_linked:
        link_account(ada)
    User.objects.update(is_active=False)
    before = database_state.state()

    answer = oidc_browser.sign_in(idp)

    assert (answer.status_code, oidc_browser.user) == (401, None)
    assert database_state.state() == before


@pytest.mark.parametrize("path", ["/login/with/nobody/", "/login/with/nobody/callback/", "/login/with/example/token/"])
def test_there_is_no_other_door(path, idp, oidc_browser):
    assert (oidc_browser.get(path).status_code, oidc_browser.post(path).status_code) in {
        (404, 404),
        (405, 404),
        (404, 405),
    }


def test_counts_who_begins_too_often(idp, oidc_browser, settings):
    settings.LOGIN_RATE_PER_ADDRESS = "2/5m"

    codes = [oidc_browser.start_login().status_code for _ in range(3)]

    assert codes == [200, 200, 429]


def test_the_sign_in_page_has_a_button_for_each_provider(idp, settings):
    page = Client().get("/login/", {"next": "/tasks/"})
    settings.OIDC_PROVIDERS = []
    without = Client().get("/login/")

    assert "Continue with Example ID" in visible_text(page)
    assert f'action="{START_PATH}"'.encode() in page.content
    assert b'name="next" value="/tasks/"' in page.content
    assert "Continue with" not in visible_text(without)


def test_the_way_there_is_a_page_that_goes_on_by_itself_and_is_kept_nowhere(idp, oidc_browser):
    away = oidc_browser.start_login()

    assert b'http-equiv="refresh" content="0; url=http://127.0.0.1' in away.content
    assert "no-store" in away["Cache-Control"]
    assert "form-action 'self'" in away["Content-Security-Policy"]


def test_a_signed_in_person_is_taken_on(ada, idp, oidc_browser):
    log_in(oidc_browser, ada)

    assert oidc_browser.start_login(next="/tasks/")["Location"] == "/tasks/"


def test_another_person_who_signed_in_meanwhile_is_signed_out_first(ada, idp, oidc_browser):
    link_account(ada)
    bob = with_email_address(UserFactory(handle="bob"), verified=True)
    away = oidc_browser.start_login()
    address = oidc_browser.authorize(idp, away)
    log_in(oidc_browser, bob)

    answer = oidc_browser.return_to_callback(address)

    assert (answer.status_code, oidc_browser.user) == (302, str(ada.pk))
    assert list(Session.objects.filter(revoked_at=None).values_list("user", flat=True)) == [ada.pk]
