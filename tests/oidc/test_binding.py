"""A sign-in belongs to the browser that began it, at one provider, once, and for a while."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from tests.oidc.conftest import START, Browser

pytestmark = pytest.mark.django_db


def test_an_answer_is_taken_once(ada, idp, browser_here, world):
    address = browser_here.visit(idp, browser_here.leave())
    browser_here.come_back(address)
    browser_here.post("/logout/")
    before = world.state()

    again = browser_here.come_back(address)

    assert (again.status_code, again.context["code"]) == (401, "unknown_state")
    assert browser_here.person is None
    assert world.state() == before


def test_a_code_that_was_used_is_worth_nothing_in_another_sign_in(ada, idp, browser_here):
    used = browser_here.visit(idp, browser_here.leave())
    browser_here.come_back(used)
    other = Browser()
    mine = parse_qs(urlsplit(other.visit(idp, other.leave())).query)["state"][0]

    answer = other.come_back(used, state=mine)

    assert (answer.status_code, answer.context["code"]) == (401, "status_400")
    assert other.person is None


def test_a_stolen_code_is_worth_nothing_without_its_verifier(ada, idp, browser_here):
    stolen = browser_here.visit(idp, browser_here.leave())
    thief = Browser()
    own = parse_qs(urlsplit(thief.visit(idp, thief.leave())).query)["state"][0]

    answer = thief.come_back(stolen, state=own)

    assert (answer.status_code, answer.context["code"]) == (401, "status_400")
    assert thief.person is None


@pytest.mark.parametrize("state", ["", "x" * 43, None])
def test_nobody_is_signed_in_by_a_link_that_was_made_for_another_browser(state, ada, idp, browser_here, world):
    """Else one could sign somebody in as oneself, and read what they write."""
    address = Browser()
    sent = address.visit(idp, address.leave())
    before = world.state()

    answer = browser_here.come_back(sent, **({} if state is None else {"state": state}))

    assert (answer.status_code, answer.context["code"]) == (401, "unknown_state")
    assert browser_here.person is None
    assert idp.seen("token") == []
    assert world.state() == before


def test_a_sign_in_begun_at_one_provider_does_not_end_at_another(ada, idp, browser_here, settings):
    apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    apps.append(apps[0] | {"provider_id": "other", "name": "Other ID"})

    address = browser_here.visit(idp, browser_here.leave())
    answer = browser_here.come_back(address.replace("/with/example/", "/with/other/"))

    assert (answer.status_code, answer.context["code"]) == (401, "unknown_state")


def test_a_state_that_waited_too_long_is_refused(ada, idp, browser_here, monkeypatch):
    address = browser_here.visit(idp, browser_here.leave())
    monkeypatch.setattr("allauth.socialaccount.internal.statekit.STATE_TTL", -1)

    assert browser_here.come_back(address).context["code"] == "unknown_state"


def test_begins_by_post_with_its_own_form_only(idp):
    strict = Client(enforce_csrf_checks=True)

    assert strict.get(START).status_code == 405
    assert strict.post(START).status_code == 403
    assert strict.get("/login/").status_code == 200
    assert idp.seen("") == []


@pytest.mark.parametrize("method", ["post", "head", "put"])
def test_comes_back_by_get_only(method, idp, browser_here):
    assert getattr(browser_here, method)(f"{START}callback/").status_code == 405
