"""Sign-in with an honest provider: the user, the session, and the requests to the provider."""

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


def authorization_params(page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.context["address"]).query).items()}


def event_names() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("name", flat=True))


def test_new_user_has_locale_of_browser(idp):
    browser = Browser(headers={"accept-language": "en-GB,en;q=0.5"})

    browser.sign_in(idp, time_zone="America/New_York")

    assert User.objects.values_list("time_zone", "language").get() == ("America/New_York", "en-gb")


def test_new_user_is_registered_without_a_password(idp, oidc_browser):
    response = oidc_browser.sign_in(idp)

    user = User.objects.get()
    assert (response.status_code, response["Location"]) == (302, "/")
    assert (user.email, user.name, user.handle) == ("ada@example.com", "Ada Lovelace", "ada")
    assert not user.has_usable_password()
    assert oidc_browser.user == str(user.pk)
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [("ada@example.com", True, True)]
    assert list(SocialAccount.objects.values_list("provider", "uid")) == [("example", USER_CLAIMS["sub"])]
    assert event_names()[:2] == ["user.registered", "identity.linked"]


def test_known_subject_signs_in_with_a_changed_address(idp, oidc_browser):
    oidc_browser.sign_in(idp)
    idp.script(user={"email": "countess@example.org", "email_verified": False, "name": "Countess"})
    again = Browser()

    again.sign_in(idp)

    assert again.user == oidc_browser.user
    assert User.objects.get().email == "ada@example.com"


def test_second_subject_is_a_second_user(idp, oidc_browser):
    oidc_browser.sign_in(idp)
    idp.script(user={"sub": "another", "email": "eve@example.com", "name": "Eve"})
    other = Browser()

    other.sign_in(idp)

    assert other.user != oidc_browser.user
    assert User.objects.count() == 2


def test_sign_in_redirects_to_next(ada, idp, oidc_browser):
    response = oidc_browser.sign_in(idp, next="/tasks/?search=x")

    assert response["Location"] == "/tasks/?search=x"


@pytest.mark.parametrize("next_url", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_next_on_another_site_is_ignored(next_url, ada, idp, oidc_browser):
    assert oidc_browser.sign_in(idp, next=next_url)["Location"] == "/"


def test_provider_sign_in_opens_a_normal_session(ada, idp, oidc_browser):
    oidc_browser.sign_in(idp)

    assert oidc_browser.get("/").status_code == 200
    assert Session.objects.get().user == ada


def test_authorization_request_is_bound_to_the_browser(idp, oidc_browser):
    params, next_params = (authorization_params(oidc_browser.start_login()) for _ in range(2))

    assert params["response_type"] == "code"
    assert (params["client_id"], params["redirect_uri"]) == (CLIENT_ID, CALLBACK_URL)
    assert set(params["scope"].split()) == {"openid", "email", "profile"}
    assert params["code_challenge_method"] == "S256"
    assert min(len(params[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert not {params[name] for name in ("state", "nonce", "code_challenge")} & set(next_params.values())


def test_user_input_is_not_added_to_authorization_request(idp, oidc_browser):
    query = "?scope=admin&auth_params=redirect_uri%3Dhttps%3A%2F%2Fevil.example%26prompt%3Dnone"

    params = authorization_params(oidc_browser.post(f"{START_PATH}{query}", {"scope": "admin", "process": "redirect"}))

    assert (params["redirect_uri"], params["scope"]) == (CALLBACK_URL, "openid email profile")
    assert "prompt" not in params


def test_verifier_and_secret_reach_the_token_endpoint_only(idp, oidc_browser):
    page = oidc_browser.start_login()
    oidc_browser.return_to_callback(oidc_browser.authorize(idp, page))

    (token,) = idp.seen("token")
    credentials = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(token["form"]["code_verifier"].encode()).digest()).rstrip(b"=")
    assert token["headers"]["Authorization"] == f"Basic {credentials}"
    assert (token["query"], token["form"]["redirect_uri"]) == ({}, CALLBACK_URL)
    assert digest.decode() == authorization_params(page)["code_challenge"]
    assert CLIENT_SECRET not in json.dumps(idp.seen("authorize"))


def test_secret_is_posted_if_the_provider_requires_it(idp, oidc_browser):
    idp.script(discovery={"token_endpoint_auth_methods_supported": ["client_secret_post"]})

    oidc_browser.sign_in(idp)

    (token,) = idp.seen("token")
    assert token["form"]["client_secret"] == CLIENT_SECRET
    assert "Authorization" not in token["headers"]


def test_address_missing_in_id_token_comes_from_userinfo(idp, oidc_browser):
    idp.script(claims={"email": None, "email_verified": None, "name": None})

    oidc_browser.sign_in(idp)

    assert User.objects.get().email == "ada@example.com"


def test_rotated_key_of_the_provider_is_fetched(ada, idp, oidc_browser, monkeypatch):
    oidc_browser.sign_in(idp)
    monkeypatch.setattr("accounts.auth.oidc.provider.JWKS_REFRESH_INTERVAL", -1)
    idp.script(rotated=True)
    again = Browser()

    again.sign_in(idp)

    assert again.user == str(ada.pk)


def test_unknown_keys_do_not_refetch_the_jwks_each_time(idp, oidc_browser):
    oidc_browser.sign_in(idp)
    idp.script(signature="unknown key")

    for _ in range(3):
        Browser().sign_in(idp)

    assert idp.seen("jwks") == []


def test_provider_tokens_are_not_stored(idp, oidc_browser):
    oidc_browser.sign_in(idp)

    assert SocialToken.objects.count() == 0
    sessions = json.dumps([cookie.get_decoded() for cookie in Cookie.objects.all()], default=str)
    assert "access_token" not in sessions
    assert "eyJ" not in sessions
    assert list(SocialAccount.objects.values_list("extra_data", flat=True)) == [{"email": "ada@example.com"}]


def test_second_factor_is_still_required(ada, idp, oidc_browser):
    link_account(ada)
    TOTP.activate(ada, generate_totp_secret())

    response = oidc_browser.sign_in(idp)

    assert response["Location"].startswith("/login/mfa/")
    assert oidc_browser.user is None
    assert oidc_browser.get("/").status_code == 302


@pytest.mark.parametrize("is_linked", [True, False])
def test_inactive_user_is_not_signed_in(is_linked, ada, idp, oidc_browser, database_state):
    if is_linked:
        link_account(ada)
    User.objects.update(is_active=False)
    before = database_state.state()

    response = oidc_browser.sign_in(idp)

    assert (response.status_code, oidc_browser.user) == (401, None)
    assert database_state.state() == before


@pytest.mark.parametrize("path", ["/login/with/nobody/", "/login/with/nobody/callback/", "/login/with/example/token/"])
def test_unknown_provider_and_paths_are_not_found(path, idp, oidc_browser):
    assert (oidc_browser.get(path).status_code, oidc_browser.post(path).status_code) in {
        (404, 404),
        (405, 404),
        (404, 405),
    }


def test_login_start_is_rate_limited(idp, oidc_browser, settings):
    settings.LOGIN_RATE_PER_ADDRESS = "2/5m"

    codes = [oidc_browser.start_login().status_code for _ in range(3)]

    assert codes == [200, 200, 429]


def test_sign_in_page_has_a_button_for_each_provider(idp, settings):
    page = Client().get("/login/", {"next": "/tasks/"})
    settings.OIDC_PROVIDERS = []
    without = Client().get("/login/")

    assert "Continue with Example ID" in visible_text(page)
    assert f'action="{START_PATH}"'.encode() in page.content
    assert b'name="next" value="/tasks/"' in page.content
    assert "Continue with" not in visible_text(without)


def test_redirect_page_refreshes_and_is_not_cached(idp, oidc_browser):
    page = oidc_browser.start_login()

    assert b'http-equiv="refresh" content="0; url=http://127.0.0.1' in page.content
    assert "no-store" in page["Cache-Control"]
    assert "form-action 'self'" in page["Content-Security-Policy"]


def test_signed_in_user_is_redirected_to_next(ada, idp, oidc_browser):
    log_in(oidc_browser, ada)

    assert oidc_browser.start_login(next="/tasks/")["Location"] == "/tasks/"


def test_user_who_signed_in_meanwhile_is_signed_out(ada, idp, oidc_browser):
    link_account(ada)
    bob = with_email_address(UserFactory(handle="bob"), verified=True)
    page = oidc_browser.start_login()
    callback_url = oidc_browser.authorize(idp, page)
    log_in(oidc_browser, bob)

    response = oidc_browser.return_to_callback(callback_url)

    assert (response.status_code, oidc_browser.user) == (302, str(ada.pk))
    assert list(Session.objects.filter(revoked_at=None).values_list("user", flat=True)) == [ada.pk]
