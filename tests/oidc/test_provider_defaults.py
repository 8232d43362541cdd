"""Sign-in with providers as they are by default, and the settings that each needs (docs/operations.md)."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from accounts.auth.oidc.provider import get_issuer
from accounts.models import User
from tests.oidc.conftest import Browser

pytestmark = pytest.mark.django_db
PROJECT = "339026634744180738"


class Provider(NamedTuple):
    """`script` makes our provider send what this one sends; without `settings` the sign-in is rejected with `reason`."""

    script: dict[str, Any]
    settings: dict[str, Any]
    reason: str = "email_not_verified_by_provider"


PROVIDERS = {
    # Version 2.0 tokens: no at_hash from the token endpoint, no email_verified anywhere.
    "Entra ID": Provider(
        {"claims": {"email_verified": None, "at_hash": None, "ver": "2.0"}, "userinfo": {"email_verified": None}},
        {"trusts_email": True},
    ),
    "Authentik": Provider({"user": {"email_verified": False}, "claims": {"azp": "taskflow"}}, {"trusts_email": True}),
    "Keycloak": Provider(
        {"user": {"email_verified": False}, "claims": {"azp": "taskflow", "typ": "ID", "acr": "1"}},
        {"trusts_email": True},
    ),
    "Zitadel": Provider(
        {"claims": {"aud": ["taskflow", PROJECT], "azp": "taskflow"}},
        {"trusted_audiences": [PROJECT]},
        "id_token_invalid_claim_aud",
    ),
    # The org authorization server sends a thin ID token when there is an access token.
    "Okta": Provider({"claims": {"email": None, "email_verified": None, "name": None}}, {}),
    "verification at userinfo": Provider({"claims": {"email_verified": None}}, {}),
    "clock 45 seconds ahead": Provider({"times": {"iat": 45, "nbf": 45, "exp": 345}}, {}),
    "clock 45 seconds behind": Provider({"times": {"iat": -45, "exp": -45}}, {}),
}


def test_providers_sign_in_with_documented_settings(idp, settings, database_state, subtests):
    for name, provider in PROVIDERS.items():
        with subtests.test(name):
            get_issuer.cache_clear()
            User.objects.all().delete()
            idp.script(**provider.script)
            if provider.settings:
                settings.OIDC_PROVIDERS = idp.settings()
                before, browser = database_state.state(), Browser()

                response = browser.sign_in(idp)

                assert (response.context["code"], browser.user) == (provider.reason, None)
                assert database_state.state() == before

            settings.OIDC_PROVIDERS = idp.settings(**provider.settings)
            browser = Browser()

            response = browser.sign_in(idp)

            user = User.objects.get()
            assert (response.status_code, browser.user) == (302, str(user.pk))
            assert (user.email, user.name) == ("ada@example.com", "Ada Lovelace")


def test_known_account_is_linked_by_a_trusted_address(ada, idp, settings):
    idp.script(user={"email_verified": False})
    settings.OIDC_PROVIDERS = idp.settings(trusts_email=True)
    browser = Browser()

    browser.sign_in(idp)

    assert browser.user == str(ada.pk)


def test_verification_of_another_address_does_not_count(ada, idp, oidc_browser, database_state):
    """The ID token names Ada's address unverified; userinfo has verified Eve's, or names none."""
    for userinfo in ({"email": "ada@example.com", "email_verified": False}, {"email": None, "email_verified": True}):
        idp.script(claims={"email_verified": None}, userinfo=userinfo)
        before = database_state.state()

        response = Browser().sign_in(idp)

        assert response.context["code"] == "email_not_verified_by_provider"
        assert database_state.state() == before
    idp.script(claims={"email_verified": None}, userinfo={"email": "eve@example.com"})

    oidc_browser.sign_in(idp)

    assert oidc_browser.user != str(ada.pk)
    assert User.objects.get(pk=oidc_browser.user).email == "eve@example.com"


def test_untrusted_audiences_are_rejected(idp, settings, database_state, subtests):
    settings.OIDC_PROVIDERS = idp.settings(trusted_audiences=[PROJECT])
    cases = {
        "project alone": {"aud": [PROJECT]},
        "third audience": {"aud": ["taskflow", PROJECT, "other"]},
        "authorized party is the project": {"aud": ["taskflow", PROJECT], "azp": PROJECT},
        "no authorized party": {"aud": ["taskflow", PROJECT], "azp": None},
    }
    for name, claims in cases.items():
        with subtests.test(name):
            idp.script(claims=claims)
            before, browser = database_state.state(), Browser()

            response = browser.sign_in(idp)

            assert response.context["code"].startswith(("id_token_invalid_claim", "id_token_missing_claim_azp"))
            assert (browser.user, database_state.state()) == (None, before)


def test_clock_three_minutes_ahead_is_rejected(idp, oidc_browser, database_state):
    idp.script(times={"iat": 180, "exp": 480})
    before = database_state.state()

    oidc_browser.sign_in(idp)

    assert (oidc_browser.user, database_state.state()) == (None, before)
