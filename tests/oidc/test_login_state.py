"""The state of a sign-in: one browser, one provider, once, for ten minutes."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from tests.oidc.conftest import START_PATH, Browser

pytestmark = pytest.mark.django_db


def test_callback_is_accepted_once(ada, idp, oidc_browser, database_state):
    callback_url = oidc_browser.authorize(idp, oidc_browser.start_login())
    oidc_browser.return_to_callback(callback_url)
    oidc_browser.post("/logout/")
    before = database_state.state()

    again = oidc_browser.return_to_callback(callback_url)

    assert (again.status_code, again.context["code"]) == (401, "unknown_state")
    assert oidc_browser.user is None
    assert database_state.state() == before


def test_used_code_is_rejected_in_another_sign_in(ada, idp, oidc_browser):
    used = oidc_browser.authorize(idp, oidc_browser.start_login())
    oidc_browser.return_to_callback(used)
    other = Browser()
    own_state = parse_qs(urlsplit(other.authorize(idp, other.start_login())).query)["state"][0]

    response = other.return_to_callback(used, state=own_state)

    assert (response.status_code, response.context["code"]) == (401, "status_400")
    assert other.user is None


def test_stolen_code_is_rejected_without_its_verifier(ada, idp, oidc_browser):
    stolen = oidc_browser.authorize(idp, oidc_browser.start_login())
    thief = Browser()
    own_state = parse_qs(urlsplit(thief.authorize(idp, thief.start_login())).query)["state"][0]

    response = thief.return_to_callback(stolen, state=own_state)

    assert (response.status_code, response.context["code"]) == (401, "status_400")
    assert thief.user is None


@pytest.mark.parametrize("state", ["", "x" * 43, None])
def test_callback_for_another_browser_is_rejected(state, ada, idp, oidc_browser, database_state):
    """Login CSRF: an attacker could sign a victim in to the attacker's account, and read what they write there."""
    attacker = Browser()
    callback_url = attacker.authorize(idp, attacker.start_login())
    before = database_state.state()

    response = oidc_browser.return_to_callback(callback_url, **({} if state is None else {"state": state}))

    assert (response.status_code, response.context["code"]) == (401, "unknown_state")
    assert oidc_browser.user is None
    assert idp.seen("token") == []
    assert database_state.state() == before


def test_callback_of_another_provider_is_rejected(ada, idp, oidc_browser, settings):
    provider = settings.OIDC_PROVIDERS[0]
    settings.OIDC_PROVIDERS = [provider, provider | {"provider_id": "other", "name": "Other ID"}]

    callback_url = oidc_browser.authorize(idp, oidc_browser.start_login())
    response = oidc_browser.return_to_callback(callback_url.replace("/with/example/", "/with/other/"))

    assert (response.status_code, response.context["code"]) == (401, "unknown_state")


def test_expired_state_is_rejected(ada, idp, oidc_browser, monkeypatch):
    callback_url = oidc_browser.authorize(idp, oidc_browser.start_login())
    monkeypatch.setattr("accounts.auth.oidc.pages.MAX_STATE_AGE", -1)

    assert oidc_browser.return_to_callback(callback_url).context["code"] == "unknown_state"


def test_login_starts_by_post_with_csrf_token_only(idp):
    client = Client(enforce_csrf_checks=True)

    assert client.get(START_PATH).status_code == 405
    assert client.post(START_PATH).status_code == 403
    assert client.get("/login/").status_code == 200
    assert idp.seen("") == []


@pytest.mark.parametrize("method", ["post", "head", "put"])
def test_callback_accepts_get_only(method, idp, oidc_browser):
    assert getattr(oidc_browser, method)(f"{START_PATH}callback/").status_code == 405
