"""Pages of somebody of whom a second factor is demanded (REQUIRE_MFA) and who has none yet."""

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
IDENTITY = find_spec("config.settings.base").origin
WHY = "Set up two-factor authentication to continue."
# What works all the same; each line is a decision.
OPEN = {
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
    "/cancel-deletion/",
    "/login/",
    "/logout/",
}
# Of machines, or open to everybody; nobody's sign-in matters there.
NO_PAGES = ("/api/", "/livez", "/readyz", "/health", "/metrics")
SAMPLES = {"uuid": str(uuid.uuid4()), "int": "1", "slug": "x", "str": "x", "path": "x"}


@pytest.fixture(autouse=True)
def demanded(settings):
    settings.REQUIRE_MFA = "everybody"


def paths(patterns=None, prefix="/"):
    """An address of every route but those of machines."""
    for pattern in patterns or get_resolver().url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from paths(pattern.url_patterns, path)
        elif not path.startswith(NO_PAGES):
            path = re.sub(r"<(\w+):\w+>", lambda found: SAMPLES[found[1]], re.sub(r"<(\w+)>", r"<str:\1>", path))
            if "(" not in path:
                yield path


def leads_home(answer):
    return (answer.status_code, answer.get("Location")) == (302, HOME)


def test_somebody_without_a_factor_comes_in_and_is_led_to_setting_one_up(alice):
    client = Client()

    entered = client.post("/login/", {"email": alice.email, "password": PASSWORD, "next": "/tasks/"})

    assert entered["Location"] == "/tasks/"
    assert leads_home(client.get("/tasks/"))
    page = client.get(HOME)
    assert WHY in visible_text(page)
    assert "It is required for everybody." in visible_text(page)
    assert 'href="/projects/"' not in page.content.decode()


def test_every_page_but_those_that_are_needed_leads_there(admin):
    client = logged_in_client(admin)

    open_ones = {path for path in set(paths()) if not leads_home(client.get(path))}

    assert open_ones == OPEN
    assert len(set(paths())) > 150  # the administration's among them


@pytest.mark.parametrize("path", ["/tasks/", "/admin/", "/admin/accounts/user/", "/settings/api-keys/"])
def test_with_a_factor_the_same_pages_open(path, admin):
    assert logged_in_client(with_passkey(admin)).get(path).status_code == 200


def test_nothing_is_done_for_them_meanwhile(alice, project):
    client = logged_in_client(alice)

    answers = [
        client.post("/projects/new/", {"name": "Secret", "key": "SEC"}),
        client.post("/settings/", {"name": "Another"}),
        client.post("/settings/sessions/revoke-others/"),
        client.post("/settings/security/email/", {"email": "new@example.com"}),
    ]

    assert all(leads_home(one) for one in answers)
    assert User.objects.get(pk=alice.pk).name == alice.name
    assert not Project.objects.filter(key="SEC").exists()
    assert Session.objects.filter(revoked_at=None).count() == 1
    assert EmailAddress.objects.count() == 0


def test_a_part_of_a_page_is_not_put_where_another_was_expected(alice):
    answer = logged_in_client(alice).get("/tasks/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Redirect"], answer.content) == (200, HOME, b"")


def test_an_app_opens_everything_with_the_next_request(alice):
    client = reauthenticated_browser(alice)
    before = client.get("/tasks/")

    client.post(APP, totp_form(client.get(APP), NOW))

    assert leads_home(before)
    assert client.get("/settings/security/recovery-codes/").status_code == 200
    assert client.get("/tasks/").status_code == 200
    assert WHY not in visible_text(client.get(HOME))


def test_a_recovery_code_alone_is_no_factor(alice):
    with_totp(alice)
    Authenticator.objects.filter(type="totp").delete()

    assert leads_home(logged_in_client(alice).get("/tasks/"))


def test_removing_the_last_factor_leads_back_to_setting_one_up(alice):
    client = reauthenticated_browser(with_passkey(with_totp(alice)))
    passkey = Authenticator.objects.get(type="webauthn")

    client.post("/settings/security/app/remove/")
    with_one_left = client.get("/tasks/").status_code
    client.post(f"/settings/security/passkeys/{passkey.pk}/remove/")

    assert with_one_left == 200
    assert leads_home(client.get("/tasks/"))
    assert WHY in visible_text(client.get(HOME))
    assert Authenticator.objects.count() == 0


def test_an_administrator_who_removes_somebodys_factors_holds_them_up_too(alice, admin):
    client = logged_in_client(with_totp(alice))
    before = client.get("/tasks/").status_code

    enrollment.reset_mfa(actor=admin, users=[alice], now=timezone.now())

    assert before == 200
    assert leads_home(client.get("/tasks/"))


@pytest.mark.parametrize(
    ("demanded_of", "held"),
    [("nobody", ""), ("admins", "admin"), ("staff", "admin carol"), ("everybody", "admin carol alice")],
)
def test_the_setting_says_of_whom_it_is_demanded(demanded_of, held, settings, alice, carol, admin):
    settings.REQUIRE_MFA = demanded_of

    found = {one.handle for one in (alice, carol, admin) if leads_home(logged_in_client(one).get("/tasks/"))}

    assert found == set(held.split())


def test_a_further_word_of_the_setting_needs_its_line_in_the_table_alone(settings, monkeypatch, alice):
    monkeypatch.setitem(
        enforcement.MFA_POLICIES, "users", enforcement.MfaPolicy(frozenset({"user"}), "everybody but staff")
    )
    settings.REQUIRE_MFA = "users"

    shown = visible_text(logged_in_client(alice).get(HOME))

    assert "It is required for everybody but staff" in shown


def test_whoever_becomes_an_administrator_is_held_up_on_the_next_page(settings, alice, admin):
    settings.REQUIRE_MFA = "admins"
    client = logged_in_client(alice)
    before = client.get("/tasks/").status_code

    administration.update_user(actor=admin, user_id=alice.pk, changes={"role": "admin"}, now=timezone.now())

    assert before == 200
    assert leads_home(client.get("/admin/"))
    assert leads_home(client.get("/tasks/"))


def test_ones_own_picture_is_shown_and_nobody_elses(alice, bob):
    mine, theirs = AvatarFactory(user=alice), AvatarFactory(user=bob)
    client = logged_in_client(alice)

    answers = [client.get(f"/avatars/{one.user_id}/{one.digest}/48.webp") for one in (mine, theirs)]

    assert answers[0].status_code == 200
    assert leads_home(answers[1])


def test_they_can_leave(alice):
    client = logged_in_client(alice)

    client.post("/logout/")

    assert client.get("/tasks/")["Location"].startswith("/login/")
    assert Session.objects.get().revoked_at is not None


def test_whoever_was_told_of_a_way_in_that_is_not_theirs_takes_it_away_all_the_same(alice):
    with_totp(alice)
    Authenticator.objects.filter(type="totp").delete()
    client, link = (
        logged_in_client(alice),
        login_methods_selectors.revert_link_for_mfa_method(alice, "recovery_codes_generated"),
    )

    answers = [client.get("/tasks/"), client.get(link)]
    undone = client.post("/revert-login-method/", {"token": unquote(link.partition("=")[2])})

    assert [leads_home(one) for one in answers] == [True, False]
    assert "Recovery codes" in visible_text(answers[1])
    assert undone["Location"] == "/login/"
    assert Authenticator.objects.count() == 0


def test_the_way_back_from_leaving_opens_in_their_browser_too(alice):
    AccountDeletionFactory(secret="back")

    answer = logged_in_client(alice).post("/cancel-deletion/", {"token": "back"})

    assert answer["Location"] == "/login/"
    assert not AccountDeletion.objects.exists()


def test_an_unconfirmed_address_is_confirmed_first_where_that_is_demanded(settings, alice):
    settings.REQUIRE_VERIFIED_EMAIL = True
    client = reauthenticated_browser(alice)

    answers = [client.get(APP), client.post(APP, {"code": "000000"}), client.get(PASSKEY)]

    assert all(leads_home(one) for one in answers)
    assert "Confirm your email address first" in visible_text(client.get(HOME))
    assert client.post("/settings/security/email/resend/").status_code == 302
    EmailAddress.objects.update(verified=True)
    assert client.get(APP).status_code == 200


def test_strangers_are_led_to_the_sign_in_as_ever(db):
    assert Client().get("/tasks/")["Location"].startswith("/login/")


def test_an_unknown_word_in_the_setting_stops_the_start(monkeypatch):
    monkeypatch.setenv("REQUIRE_MFA", "all")

    with pytest.raises(ImproperlyConfigured, match=f"must be one of {', '.join(enforcement.MFA_POLICIES)}, not 'all'"):
        runpy.run_path(IDENTITY)


@pytest.mark.parametrize("word", enforcement.MFA_POLICIES)
def test_every_word_of_the_table_may_be_chosen_and_parts_what_is_kept_for_all(word, monkeypatch):
    monkeypatch.setenv("REQUIRE_MFA", word)

    chosen = runpy.run_path(IDENTITY)

    assert (chosen["REQUIRE_MFA"], chosen["CACHE_KEY_VARIANT"]) == (word, word)
