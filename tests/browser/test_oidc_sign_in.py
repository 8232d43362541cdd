"""Signing in with an OpenID provider: a browser, our server, and the provider as its own process."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from tests.browser.conftest import AXE_SCRIPT
from tests.browser.test_all_pages import AXE_RUN_SCRIPT
from tests.oidc.conftest import idp, provider_process

__all__ = ["idp", "provider_process"]
IDENTITIES_PATH = "/settings/security/identities/"


@pytest.fixture
def oidc_settings(idp):
    """Let the provider ask for consent before it redirects back."""
    idp.script(consent=True)
    return idp


def new_page(open_page, **options):
    """Return a signed-out page and the list of its console and script errors."""
    page, errors = open_page(None, **options), []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return page, errors


def page_problems(page):
    page.evaluate(AXE_SCRIPT)
    problems = page.evaluate(AXE_RUN_SCRIPT.replace("RULES", "{}"))
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        problems.append("wider than the screen")
    return problems


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_new_user_signs_in_through_the_provider(scripts, clean_database, oidc_settings, open_page):
    page, errors = new_page(open_page, scripts=scripts)
    page.goto("/login/?next=/projects/")
    page.get_by_role("button", name="Continue with Example ID").click()
    page.get_by_role("button", name="Continue as Ada Lovelace").click()
    page.wait_for_url("**/projects/")

    assert page.get_by_role("heading", name="Projects").first.is_visible()
    assert list(SocialAccount.objects.values_list("user__email", "uid")) == [("ada@example.com", "248289761001")]
    assert errors == []


def test_cancelled_provider_login_signs_nobody_in(clean_database, oidc_settings, open_page):
    page, _ = new_page(open_page)
    page.goto("/login/")
    page.get_by_role("button", name="Continue with Example ID").click()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("heading", name="Sign-in failed").wait_for()

    assert page.get_by_text("You cancelled the sign-in at Example ID.").is_visible()
    assert page_problems(page) == []
    assert User.objects.count() == 0


def test_hostile_provider_response_shows_an_error_page(clean_database, oidc_settings, open_page):
    oidc_settings.script(consent=True, signature="alg none")
    page, _ = new_page(open_page, width=390, scheme="dark")
    page.goto("/login/")
    problems = page_problems(page)
    page.get_by_role("button", name="Continue with Example ID").click()
    page.get_by_role("button", name="Continue as Ada Lovelace").click()
    page.get_by_role("heading", name="Sign-in failed").wait_for()

    assert page.get_by_text("id_token_unsupported_algorithm").is_visible()
    assert problems + page_problems(page) == []
    assert User.objects.count() == SocialAccount.objects.count() == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_identity_is_linked_used_and_unlinked(width, clean_database, oidc_settings, open_page):
    user = UserFactory(handle="bob", name="Bob Builder")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    page, errors = new_page(open_page, width=width)

    page.goto(f"/login/?next={IDENTITIES_PATH}")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    problems = page_problems(page)
    page.get_by_role("button", name="Link Example ID").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Link Example ID").click()
    page.get_by_role("button", name="Continue as Ada Lovelace").click()
    page.wait_for_url(f"**{IDENTITIES_PATH}")
    problems += page_problems(page)
    assert SocialAccount.objects.get().user == user

    page.get_by_role("button", name="Unlink Example ID").click()
    page.get_by_text("Account unlinked.").wait_for()

    assert SocialAccount.objects.count() == 0
    assert problems + errors == []
