"""A sign-in belongs to the browser that began it, at one provider, once, and for a while."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from tests.oidc.conftest import START_PATH, Browser

pytestmark = pytest.mark.django_db


def test_an_answer_is_taken_once(ada, idp, oidc_browser, database_state):
    address = oidc_browser.authorize(idp, oidc_browser.start_login())
    oidc_browser.return_to_callback(address)
    oidc_browser.post("/logout/")
    before = database_state.state()

    again = oidc_browser.return_to_callback(address)

    assert (again.status_code, again.context["code"]) == (401, "unknown_state")
    assert oidc_browser.user is None
    assert database_state.state() == before


def test_a_code_that_was_used_is_worth_nothing_in_another_sign_in(ada, idp, oidc_browser):
    used = oidc_browser.authorize(idp, oidc_browser.start_login())
    oidc_browser.return_to_callback(used)
    other = Browser()
    mine = parse_qs(urlsplit(other.authorize(idp, other.start_login())).query)["state"][0]

    answer = other.return_to_callback(used, state=mine)

    assert (answer.status_code, answer.context["code"]) == (401, "status_400")
    assert other.user is None


def test_a_stolen_code_is_worth_nothing_without_its_verifier(ada, idp, oidc_browser):
    stolen = oidc_browser.authorize(idp, oidc_browser.start_login())
    thief = Browser()
    own = parse_qs(urlsplit(thief.authorize(idp, thief.start_login())).query)["state"][0]

    answer = thief.return_to_callback(stolen, state=own)

    assert (answer.status_code, answer.context["code"]) == (401, "status_400")
    assert thief.user is None


@pytest.mark.parametrize("state", ["", "x" * 43, None])
def test_nobody_is_signed_in_by_a_link_that_was_made_for_another_browser(state, ada, idp, oidc_browser, database_state):
    """Else one could sign somebody in as oneself, and read what they write."""
    address = Browser()
    sent = address.authorize(idp, address.start_login())
    before = database_state.state()

    answer = oidc_browser.return_to_callback(sent, **({} if state is None else {"state": state}))

    assert (answer.status_code, answer.context["code"]) == (401, "unknown_state")
    assert oidc_browser.user is None
    assert idp.seen("token") == []
    assert database_state.state() == before


def test_a_sign_in_begun_at_one_provider_does_not_end_at_another(ada, idp, oidc_browser, settings):
    provider = settings.OIDC_PROVIDERS[0]
    settings.OIDC_PROVIDERS = [provider, provider | {"provider_id": "other", "name": "Other ID"}]

    address = oidc_browser.authorize(idp, oidc_browser.start_login())
    answer = oidc_browser.return_to_callback(address.replace("/with/example/", "/with/other/"))

    assert (answer.status_code, answer.context["code"]) == (401, "unknown_state")


def test_a_state_that_waited_too_long_is_refused(ada, idp, oidc_browser, monkeypatch):
    address = oidc_browser.authorize(idp, oidc_browser.start_login())
    monkeypatch.setattr("accounts.auth.oidc.login_state.MAX_AGE", -1)

    assert oidc_browser.return_to_callback(address).context["code"] == "unknown_state"


def test_begins_by_post_with_its_own_form_only(idp):
    strict = Client(enforce_csrf_checks=True)

    assert strict.get(START_PATH).status_code == 405
    assert strict.post(START_PATH).status_code == 403
    assert strict.get("/login/").status_code == 200
    assert idp.seen("") == []


@pytest.mark.parametrize("method", ["post", "head", "put"])
def test_comes_back_by_get_only(method, idp, oidc_browser):
    assert getattr(oidc_browser, method)(f"{START_PATH}callback/").status_code == 405
