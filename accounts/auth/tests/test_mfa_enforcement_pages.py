"""MFA enforcement (REQUIRE_MFA) on pages, for users without a method."""

from __future__ import annotations

import re
import runpy
import uuid
from importlib.util import find_spec
from urllib.parse import unquote

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.mfa import enforcement, enrollment
from accounts.models import AccountDeletion, Session, User
from accounts.tests.factories import PASSWORD, AccountDeletionFactory, AvatarFactory
from accounts.tests.fixtures import reauthenticated_browser
from accounts.tests.mfa import totp_form, with_passkey, with_totp
from accounts.users import administration
from core.testing.clock import NOW
from core.testing.page_client import logged_in_client, visible_text
from tasks.models import Project

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.django_db]
HOME, APP, PASSKEY = "/settings/security/", "/settings/security/app/", "/settings/security/passkeys/add/"
SETTINGS_FILE = find_spec("config.settings.base").origin
SETUP_NOTICE = "Set up two-factor authentication to continue."
# Pages that work without MFA; each line is a decision.
EXEMPT_PATHS = {
    HOME,
    APP,
    PASSKEY,
    "/settings/security/recovery-codes/",
    "/settings/security/recovery-codes/new/",
    "/settings/security/password/",
    "/settings/security/password/set/",
    "/settings/security/email/resend/",
    "/reauthenticate/",
    "/reauthenticate/code/",
    "/reauthenticate/passkey/",
    "/verify-email/",
    "/password/reset/",
    "/password/reset/sent/",
    "/password/reset/new/",
    "/revert-login-method/",
    "/shared-task/",
    "/calendar/feed.ics",
    "/cancel-deletion/",
    "/login/",
    "/logout/",
    "/manifest.webmanifest",
    "/offline/",
    "/sw.js",
}
# Endpoints for API clients and monitoring; they do not use the browser session.
NON_PAGE_PREFIXES = ("/api/", "/livez", "/readyz", "/health", "/metrics")
SAMPLES = {"uuid": str(uuid.uuid4()), "int": "1", "slug": "x", "str": "x", "path": "x"}


@pytest.fixture(autouse=True)
def mfa_required_for_everybody(settings):
    settings.REQUIRE_MFA = "everybody"


def page_paths(patterns=None, prefix="/"):
    """Yield a path of every page, with sample values for its parameters."""
    for pattern in patterns or get_resolver().url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from page_paths(pattern.url_patterns, path)
        elif not path.startswith(NON_PAGE_PREFIXES):
            path = re.sub(r"<(\w+):\w+>", lambda match: SAMPLES[match[1]], re.sub(r"<(\w+)>", r"<str:\1>", path))
            if "(" not in path:
                yield path


def redirects_to_setup(response):
    return (response.status_code, response.get("Location")) == (302, HOME)


def test_login_without_mfa_leads_to_the_mfa_setup(alice):
    client = Client()

    response = client.post("/login/", {"email": alice.email, "password": PASSWORD, "next": "/tasks/"})

    assert response["Location"] == "/tasks/"
    assert redirects_to_setup(client.get("/tasks/"))
    page = client.get(HOME)
    assert SETUP_NOTICE in visible_text(page)
    assert "It is required for everybody." in visible_text(page)
    assert 'href="/projects/"' not in page.content.decode()


def test_pages_but_the_exempt_ones_redirect_to_the_mfa_setup(admin):
    client = logged_in_client(admin)

    exempt_paths = {path for path in set(page_paths()) if not redirects_to_setup(client.get(path))}

    assert exempt_paths == EXEMPT_PATHS
    assert len(set(page_paths())) > 150  # the admin site's are included


def test_pages_open_for_a_user_with_mfa(admin):
    client = logged_in_client(with_passkey(admin))

    for path in ("/tasks/", "/admin/", "/admin/accounts/user/", "/settings/api-keys/"):
        assert client.get(path).status_code == 200, path


def test_restricted_requests_change_nothing(alice, project):
    client = logged_in_client(alice)

    responses = [
        client.post("/projects/new/", {"name": "Secret", "key": "SEC"}),
        client.post("/settings/", {"name": "Another"}),
        client.post("/settings/sessions/revoke-others/"),
        client.post("/settings/security/email/", {"email": "new@example.com"}),
    ]

    assert all(redirects_to_setup(response) for response in responses)
    assert User.objects.get(pk=alice.pk).name == alice.name
    assert not Project.objects.filter(key="SEC").exists()
    assert Session.objects.filter(revoked_at=None).count() == 1
    assert EmailAddress.objects.count() == 0


def test_restricted_htmx_request_redirects_the_whole_page(alice):
    response = logged_in_client(alice).get("/tasks/", headers={"HX-Request": "true"})

    assert (response.status_code, response["HX-Redirect"], response.content) == (200, HOME, b"")


def test_adding_totp_lifts_the_restriction_at_once(alice):
    client = reauthenticated_browser(alice)
    before = client.get("/tasks/")

    client.post(APP, totp_form(client.get(APP), NOW))

    assert redirects_to_setup(before)
    assert client.get("/settings/security/recovery-codes/").status_code == 200
    assert client.get("/tasks/").status_code == 200
    assert SETUP_NOTICE not in visible_text(client.get(HOME))


def test_recovery_codes_alone_are_no_mfa_method(alice):
    with_totp(alice)
    Authenticator.objects.filter(type="totp").delete()

    assert redirects_to_setup(logged_in_client(alice).get("/tasks/"))


def test_removing_the_last_method_restricts_again(alice):
    client = reauthenticated_browser(with_passkey(with_totp(alice)))
    passkey = Authenticator.objects.get(type="webauthn")

    client.post("/settings/security/app/remove/")
    status_with_passkey = client.get("/tasks/").status_code
    client.post(f"/settings/security/passkeys/{passkey.pk}/remove/")

    assert status_with_passkey == 200
    assert redirects_to_setup(client.get("/tasks/"))
    assert SETUP_NOTICE in visible_text(client.get(HOME))
    assert Authenticator.objects.count() == 0


def test_mfa_reset_by_an_admin_restricts_at_once(alice, admin):
    client = logged_in_client(with_totp(alice))
    before = client.get("/tasks/").status_code

    enrollment.reset_mfa(actor=admin, users=[alice], now=timezone.now())

    assert before == 200
    assert redirects_to_setup(client.get("/tasks/"))


def test_setting_decides_which_roles_need_mfa(settings, alice, carol, admin):
    clients = {user.handle: logged_in_client(user) for user in (alice, carol, admin)}
    restricted_users = {
        "nobody": set(),
        "admins": {"admin"},
        "staff": {"admin", "carol"},
        "everybody": {"admin", "carol", "alice"},
    }

    for policy, expected in restricted_users.items():
        settings.REQUIRE_MFA = policy

        restricted = {handle for handle, client in clients.items() if redirects_to_setup(client.get("/tasks/"))}
        assert restricted == expected, policy


def test_new_mfa_policy_needs_an_entry_in_the_table_only(settings, monkeypatch, alice):
    monkeypatch.setitem(
        enforcement.MFA_POLICIES, "users", enforcement.MfaPolicy(frozenset({"user"}), "everybody but staff")
    )
    settings.REQUIRE_MFA = "users"

    text = visible_text(logged_in_client(alice).get(HOME))

    assert "It is required for everybody but staff" in text


def test_new_admin_is_restricted_from_the_next_page(settings, alice, admin):
    settings.REQUIRE_MFA = "admins"
    client = logged_in_client(alice)
    before = client.get("/tasks/").status_code

    administration.update_user(actor=admin, user_id=alice.pk, changes={"role": "admin"}, now=timezone.now())

    assert before == 200
    assert redirects_to_setup(client.get("/admin/"))
    assert redirects_to_setup(client.get("/tasks/"))


def test_own_avatar_is_served_and_others_are_not(alice, bob):
    own, foreign = AvatarFactory(user=alice), AvatarFactory(user=bob)
    client = logged_in_client(alice)

    responses = [client.get(f"/avatars/{avatar.user_id}/{avatar.digest}/48.webp") for avatar in (own, foreign)]

    assert responses[0].status_code == 200
    assert redirects_to_setup(responses[1])


def test_restricted_user_can_sign_out(alice):
    client = logged_in_client(alice)

    client.post("/logout/")

    assert client.get("/tasks/")["Location"].startswith("/login/")
    assert Session.objects.get().revoked_at is not None


def test_revert_link_works_for_a_restricted_user(alice):
    with_totp(alice)
    Authenticator.objects.filter(type="totp").delete()
    client = logged_in_client(alice)
    link = login_methods_selectors.revert_link_for_mfa_method(alice, "recovery_codes_generated")

    responses = [client.get("/tasks/"), client.get(link)]
    reverted = client.post("/revert-login-method/", {"token": unquote(link.partition("=")[2])})

    assert [redirects_to_setup(response) for response in responses] == [True, False]
    assert "Recovery codes" in visible_text(responses[1])
    assert reverted["Location"] == "/login/"
    assert Authenticator.objects.count() == 0


def test_deletion_can_be_cancelled_by_a_restricted_user(alice):
    AccountDeletionFactory(secret="back")

    response = logged_in_client(alice).post("/cancel-deletion/", {"token": "back"})

    assert response["Location"] == "/login/"
    assert not AccountDeletion.objects.exists()


def test_mfa_setup_requires_a_verified_email_where_enforced(settings, alice):
    settings.REQUIRE_VERIFIED_EMAIL = True
    client = reauthenticated_browser(alice)

    responses = [client.get(APP), client.post(APP, {"code": "000000"}), client.get(PASSKEY)]

    assert all(redirects_to_setup(response) for response in responses)
    assert "Confirm your email address first" in visible_text(client.get(HOME))
    assert client.post("/settings/security/email/resend/").status_code == 302
    EmailAddress.objects.update(verified=True)
    assert client.get(APP).status_code == 200


def test_anonymous_user_is_redirected_to_the_login(db):
    assert Client().get("/tasks/")["Location"].startswith("/login/")


def test_unknown_mfa_policy_stops_the_start(monkeypatch):
    monkeypatch.setenv("REQUIRE_MFA", "all")

    with pytest.raises(ImproperlyConfigured, match=f"must be one of {', '.join(enforcement.MFA_POLICIES)}, not 'all'"):
        runpy.run_path(SETTINGS_FILE)


@pytest.mark.parametrize("policy", enforcement.MFA_POLICIES)
def test_mfa_policies_are_valid_and_vary_the_cache_key(policy, monkeypatch):
    monkeypatch.setenv("REQUIRE_MFA", policy)

    settings = runpy.run_path(SETTINGS_FILE)

    assert (settings["REQUIRE_MFA"], settings["CACHE_KEY_VARIANT"]) == (policy, policy)
