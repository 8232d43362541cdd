"""The "this wasn't me" link: what it reverts, for whom, and for how long."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.test import Client, TestCase
from django.utils import timezone

from accounts.auth.oidc import services as oidc
from accounts.auth.oidc.services import Identity
from accounts.auth.tests.test_mfa_pages import APP, CODES
from accounts.auth.tests.test_password_pages import NEW, link, parse_link, sent_emails
from accounts.models import ApiKey, Session, User
from accounts.tests.api_keys import api_key_client, create_api_key
from accounts.tests.factories import PASSWORD, SessionFactory, with_email_address
from accounts.tests.fixtures import reauthenticated_browser
from accounts.tests.mfa import totp_form, with_passkey
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client, visible_text
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.usefixtures("clock")
LINK_LIFETIME = timedelta(days=7)
NO_METHODS = {"mfa_methods": 0, "identities": 0, "sessions": 0, "keys": 0, "pending_emails": 0}


def add_totp(user, client=None):
    """Set up TOTP with the password, and return the browser."""
    client = client or reauthenticated_browser(user)
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert client.post(APP, totp_form(client.get(APP), timezone.now())).status_code == 302
    return client


def revert_links():
    bodies = [email.body for email in sent_emails("security_changed")]
    return [
        re.search(r"/revert-login-method/\?token=\S+", body)[0] for body in bodies if "/revert-login-method/" in body
    ]


def link_token(url):
    return url.partition("?token=")[2].replace("%3A", ":")


def post_revert(url, client=None):
    return (client or Client()).post(url.partition("?")[0], {"token": link_token(url)})


def identity_of(subject, provider="example"):
    return Identity(provider=provider, subject=subject, email="x@example.com", email_verified=True, name="X")


@pytest.fixture
def intrusion(alice):
    """Add login methods as an intruder with the password would; return the browser and an API key."""
    with_email_address(alice)
    browser = add_totp(alice)
    oidc.link_identity(actor=alice, identity=identity_of("intruder"))
    with_passkey(alice)
    EmailAddress.objects.create(user=alice, email="intruder@example.com")
    SessionFactory(user=alice)
    return browser, create_api_key(alice).text


def count_login_methods(user):
    return {
        "mfa_methods": Authenticator.objects.filter(user=user).count(),
        "identities": SocialAccount.objects.filter(user=user).count(),
        "sessions": Session.objects.open(timezone.now()).filter(user=user).count(),
        "keys": ApiKey.objects.open(timezone.now()).filter(owner=user).count(),
        "pending_emails": EmailAddress.objects.filter(user=user).exclude(email=user.email).count(),
    }


@pytest.mark.parametrize("handle", [None, "alice", "bob"])
def test_revert_link_removes_all_that_an_intruder_added(handle, alice, bob, request, intrusion, outbox):
    browser = logged_in_client(request.getfixturevalue(handle)) if handle else Client()
    _, stolen = intrusion

    response = post_revert(revert_links()[0], browser)

    alice.refresh_from_db()
    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert count_login_methods(alice) == NO_METHODS
    assert not alice.has_usable_password()
    assert api_key_client(stolen).get("/api/v1/me/").status_code == 401
    assert {"identity.unlinked", "api_key.revoked", "session.revoked"} <= set(outbox.names())
    assert outbox.payloads("user.security_changed")[-1]["change"] == "login_method_reverted"
    after = browser.get("/")
    assert after.status_code == (200 if handle == "bob" else 302)
    page = after if handle == "bob" else browser.get("/login/")
    assert "We sent you a link to choose a new password" in visible_text(page)


def test_owner_signs_in_again_after_a_revert(alice, intrusion):
    intruder_browser, _ = intrusion
    post_revert(revert_links()[0])
    path, data = parse_link(link())

    response = Client().post(path, data | {"password": NEW})

    owner, intruder = Client(), Client()
    owner.post("/login/", {"email": alice.email, "password": NEW})
    intruder.post("/login/", {"email": alice.email, "password": PASSWORD})
    assert response["Location"] == "/login/"
    assert [browser.get("/").status_code for browser in (owner, intruder, intruder_browser)] == [200, 302, 302]


def test_revert_page_lists_the_methods_and_changes_nothing(alice, intrusion):
    before = table_digests()

    page = Client().get(revert_links()[0])

    assert page.status_code == 200
    text = visible_text(page)
    assert all(name in text for name in ("Authenticator app", "Passkey “Key”", "Recovery codes", "example"))
    assert "no-store" in page["Cache-Control"]
    assert table_digests() == before


def test_revert_keeps_methods_added_before(alice, clock):
    client = reauthenticated_browser(with_email_address(alice))
    with_passkey(alice)
    oidc.link_identity(actor=alice, identity=identity_of("own"))
    clock.shift(timedelta(minutes=1))
    with TestCase.captureOnCommitCallbacks(execute=True):
        client.post(CODES + "new/")

    post_revert(revert_links()[-1])

    assert list(Authenticator.objects.values_list("type", flat=True)) == ["webauthn"]
    assert SocialAccount.objects.get().uid == "own"


def invalidate(url, alice, reason):
    """Make the link invalid for the reason, and return it."""
    if reason == "used":
        post_revert(url)
    elif reason == "deactivated":
        User.objects.update(is_active=False)
    elif reason == "another address":
        User.objects.update(email="new@example.com")
    elif reason == "removed":
        Authenticator.objects.all().delete()
    elif reason == "another user's":
        Authenticator.objects.update(user=User.objects.create(email="b@example.com", handle="b", name="B"))
    elif reason == "forged":
        return url[:-3] + "abc"
    elif reason == "another method":
        number = re.search(r"mfa\.(\d+)", url)[1]
        return url.replace(f"mfa.{number}", f"mfa.{int(number) + 1}")
    elif reason == "malformed":
        return "/revert-login-method/?token=mfa.٣:x"
    return url


INVALID = [
    "used",
    "deactivated",
    "another address",
    "removed",
    "another user's",
    "forged",
    "another method",
    "malformed",
]


def test_invalid_revert_link_is_not_found_and_changes_nothing(alice, intrusion):
    for reason in INVALID:
        with transaction.atomic():
            url = invalidate(revert_links()[0], alice, reason)
            before = table_digests()

            page, response = Client().get(url), post_revert(url)

            assert (page.status_code, response.status_code) == (404, 404), reason
            assert "Nothing was changed" in visible_text(page)
            assert table_digests() == before, reason
            transaction.set_rollback(True)


@pytest.mark.parametrize(("late", "status"), [(timedelta(0), 302), (timedelta(seconds=1), 404)])
def test_revert_link_is_valid_for_seven_days(late, status, alice, intrusion, clock):
    url = revert_links()[0]
    clock.move_to(Authenticator.objects.order_by("pk")[0].created_at + LINK_LIFETIME + late)

    assert post_revert(url).status_code == status

    assert User.objects.get().has_usable_password() is (status == 404)
    assert Authenticator.objects.exists() is (status == 404)


def test_revert_token_is_in_no_row_and_no_log(alice, intrusion, caplog):
    token = revert_links()[0].partition("token=")[2]
    Client().get(revert_links()[0])

    rows = str(list(OutgoingEmail.objects.values())) + caplog.text
    assert token not in rows
    assert token.rpartition("%3A")[2] not in rows


def test_revert_requires_a_csrf_token(alice, intrusion):
    before = table_digests()
    url = revert_links()[0]

    response = Client(enforce_csrf_checks=True).post("/revert-login-method/", {"token": link_token(url)})

    assert response.status_code == 403
    assert table_digests() == before
