"""The "this wasn't me" links about a changed password and removed MFA methods."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.auth.login_methods import services as login_methods
from accounts.auth.mfa import enrollment
from accounts.auth.mfa import services as mfa
from accounts.auth.passwords import services as passwords
from accounts.auth.tests.test_password_pages import NEW, link, parse_link, sent_emails
from accounts.auth.tests.test_revert_login_method import link_token, post_revert, revert_links
from accounts.models import ApiKey, SecurityChange, Session
from accounts.tests.api_keys import create_api_key
from accounts.tests.factories import PASSWORD, with_email_address
from accounts.tests.fixtures import reauthenticated_browser
from accounts.tests.mfa import code_at, recovery_codes, with_passkey, with_totp
from core.errors import NotFound
from core.testing.clock import NOW
from core.testing.concurrency import run_concurrently
from core.testing.database_state import table_digests
from core.testing.page_client import visible_text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
INTRUDER = "an intruders pass phrase"


def change_password(user, browser=None):
    """Change the password on the page, as somebody who knows it."""
    browser = browser or reauthenticated_browser(user)
    data = {"current_password": PASSWORD, "password": INTRUDER}
    assert browser.post("/settings/security/password/", data).status_code == 302
    user.refresh_from_db()
    return browser


def methods(user):
    rows = Authenticator.objects.filter(user=user).order_by("pk")
    return list(rows.values("pk", "type", "data", "created_at", "last_used_at"))


def is_secured(user):
    user.refresh_from_db()
    sessions, keys = Session.objects.open(timezone.now()).filter(user=user), ApiKey.objects.open(timezone.now())
    return not user.has_usable_password() and not sessions.exists() and not keys.filter(owner=user).exists()


def test_revert_of_a_password_change_secures_the_account(alice):
    intruder = change_password(with_email_address(alice))
    create_api_key(alice)
    [url] = revert_links()
    assert "Resetting your password alone" not in sent_emails("security_changed")[-1].body

    page = Client().get(url)
    assert "Password changed" in visible_text(page)
    assert not is_secured(alice)
    response = post_revert(url)

    assert (response["Location"], is_secured(alice)) == ("/login/", True)
    assert intruder.get("/").status_code == 302
    path, data = parse_link(link())
    owner = Client()
    owner.post(path, data | {"password": NEW})
    owner.post("/login/", {"email": alice.email, "password": NEW})
    assert owner.get("/").status_code == 200


def test_revert_of_removed_mfa_restores_it(alice, clock):
    with_passkey(with_totp(with_email_address(alice)))
    before, codes = methods(alice), recovery_codes(alice)
    totp, passkey = (Authenticator.objects.get(type=name) for name in ("totp", "webauthn"))
    clock.shift(timedelta(minutes=1))
    enrollment.deactivate_totp(user=alice, now=timezone.now())
    clock.shift(timedelta(minutes=1))
    enrollment.remove_passkey(user=alice, passkey_id=passkey.pk, now=timezone.now())
    assert methods(alice) == []
    with_passkey(alice)  # the intruder's
    first, second = revert_links()

    text = visible_text(Client().get(first))
    assert all(part in text for part in ("Authenticator app removed", "Passkey removed", "Passkey “Key” added"))
    assert "We'll restore: Authenticator app, Recovery codes, Passkey “Key”" in text
    assert post_revert(first).status_code == 302

    assert methods(alice) == before
    assert is_secured(alice)
    assert recovery_codes(alice) == codes
    assert mfa.verify_code(user=alice, code=code_at(timezone.now()), now=timezone.now()).pk == totp.pk
    state = table_digests()
    assert (post_revert(first).status_code, post_revert(second).status_code) == (404, 404)
    assert table_digests() == state


def test_revert_restores_only_what_was_there_before(alice, clock):
    """The owner replaced their app earlier; the link about the second removal brings the second one back."""
    with_totp(with_email_address(alice))
    clock.shift(timedelta(hours=1))
    enrollment.deactivate_totp(user=alice, now=timezone.now())
    clock.shift(timedelta(hours=1))
    with_totp(alice)
    second = methods(alice)
    clock.shift(timedelta(hours=1))
    enrollment.deactivate_totp(user=alice, now=timezone.now())
    earlier, later = revert_links()

    post_revert(later)

    assert methods(alice) == second
    post_revert(earlier)  # removes what was added since, and restores the first
    assert [row["type"] for row in methods(alice)].count("totp") == 1
    assert methods(alice)[0]["created_at"] == NOW


@pytest.mark.parametrize(("late", "status"), [(0, 302), (1, 404)])
def test_link_of_a_change_expires_after_seven_days(late, status, alice, clock):
    change_password(with_email_address(alice))
    [url] = revert_links()
    clock.shift(timedelta(days=7, seconds=late))
    before = table_digests()

    assert post_revert(url).status_code == status

    assert (table_digests() == before) == (status == 404)
    login_methods.purge_security_changes(now=timezone.now() + timedelta(days=7, seconds=1))
    assert not SecurityChange.objects.exists()


def test_link_of_a_change_is_bound_to_user_and_address(alice, bob):
    change_password(with_email_address(alice))
    change_password(with_email_address(bob))
    first, second = (link_token(url) for url in revert_links())
    before = table_digests()

    signature = first.partition(":")[2]
    number = SecurityChange.objects.latest("pk").pk
    for token in (f"change.{number}:{signature}", f"email.{number}:{signature}", "change.1:x", first[:-1]):
        assert Client().post("/revert-login-method/", {"token": token}).status_code == 404
    assert table_digests() == before
    alice.email = "new@example.com"
    alice.save(update_fields=["email"])
    assert Client().post("/revert-login-method/", {"token": first}).status_code == 404
    assert Client().post("/revert-login-method/", {"token": second}).status_code == 302


def test_first_password_and_removed_passkey_have_links(alice):
    alice.set_unusable_password()
    alice.save(update_fields=["password"])
    passwords.change_password(user=with_email_address(alice), password=INTRUDER, now=NOW)
    with_passkey(alice)
    enrollment.remove_passkey(user=alice, passkey_id=Authenticator.objects.get().pk, now=NOW)

    assert [len(revert_links()), list(SecurityChange.objects.order_by("pk").values_list("change", flat=True))] == [
        2,
        ["password_set", "webauthn_removed"],
    ]


def test_kept_secrets_are_reencrypted_and_stay_encrypted(alice, settings):
    with_totp(with_email_address(alice))
    codes = recovery_codes(alice)
    enrollment.deactivate_totp(user=alice, now=NOW + timedelta(seconds=1))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-secret-key-" + "y" * 32, [settings.SECRET_KEY]

    call_command("reencrypt_secrets")
    [url] = revert_links()
    post_revert(url)
    settings.SECRET_KEY_FALLBACKS = []

    assert recovery_codes(alice) == codes
    assert mfa.verify_code(user=alice, code=code_at(NOW), now=NOW) is not None


@pytest.mark.django_db(transaction=True)
def test_link_used_at_the_same_time_works_once(alice):
    with_totp(with_email_address(alice))
    enrollment.deactivate_totp(user=alice, now=NOW + timedelta(seconds=1))
    [url] = revert_links()

    def revert():
        return login_methods.revert_login_method(token=link_token(url), now=NOW + timedelta(seconds=2))

    outcomes = run_concurrently([revert] * 4)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotFound"] * 3 + ["User"]
    assert sum(isinstance(outcome, NotFound) for outcome in outcomes) == 3
    assert [row["type"] for row in methods(alice)] == ["totp", "recovery_codes"]
    assert len(sent_emails("password_reset")) == 1
