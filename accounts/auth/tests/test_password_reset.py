"""Effects of password reset and password change on the other login methods."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.utils import timezone

from accounts.auth.one_time_tokens import make_verification_key
from accounts.auth.passwords import services as passwords
from accounts.auth.tests.test_password_pages import NEW, change, link, parse_link, request_reset
from accounts.models import ApiKey, Session, User
from accounts.tests.api_keys import api_key_client, create_api_key
from accounts.tests.factories import PASSWORD, with_email_address
from accounts.tests.fixtures import ApiClient
from accounts.tests.mfa import with_totp
from core.errors import Conflict
from core.testing.page_client import logged_in_client


def reset(user):
    request_reset(user.email)
    path, data = parse_link(link())
    return Client().post(path, data | {"password": NEW})


def add_intrusion(user, *, verified):
    """Add what an intruder may leave: an API key, an identity and an unverified address.

    Return the API key.
    """
    EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
    EmailAddress.objects.create(user=user, email="intruder@example.com")
    extra_data = {"email": "intruder@example.com"}
    SocialAccount.objects.create(user=user, provider="example", uid="intruder", extra_data=extra_data)
    return create_api_key(user).text


def count_login_methods(user):
    return {
        "keys": ApiKey.objects.open(timezone.now()).filter(owner=user).count(),
        "identities": SocialAccount.objects.filter(user=user).count(),
        "pending_emails": EmailAddress.objects.filter(user=user, email="intruder@example.com").count(),
    }


@pytest.mark.parametrize("verified", [True, False])
def test_password_reset_removes_what_an_intruder_added(verified, alice, bob, outbox):
    stolen, foreign = add_intrusion(alice, verified=verified), create_api_key(bob).text
    assert api_key_client(stolen).get("/api/v1/me/").status_code == 200

    response = reset(alice)

    assert response["Location"] == "/login/"
    assert count_login_methods(alice) == {"keys": 0, "identities": 0, "pending_emails": 0}
    assert [api_key_client(text).get("/api/v1/me/").status_code for text in (stolen, foreign)] == [401, 200]
    assert outbox.names().count("api_key.revoked") == 1
    assert outbox.names().count("identity.unlinked") == 1


@pytest.mark.parametrize(("verified", "expected"), [(True, ["own"]), (False, [])])
def test_password_reset_keeps_the_identity_of_a_verified_email(verified, expected, alice):
    add_intrusion(alice, verified=verified)
    own = {"email": alice.email.upper()}
    SocialAccount.objects.create(user=alice, provider="another", uid="own", extra_data=own)

    reset(alice)

    assert list(SocialAccount.objects.values_list("uid", flat=True)) == expected


def test_password_reset_verifies_the_email_and_removes_old_mfa(alice, outbox):
    """Otherwise a registration with another's address, plus MFA, would lock the owner out."""
    with_totp(with_email_address(alice, verified=False))

    reset(alice)

    owner = Client()
    owner.post("/login/", {"email": alice.email, "password": NEW})
    assert owner.get("/").status_code == 200
    assert not Authenticator.objects.exists()
    assert EmailAddress.objects.get().verified
    assert outbox.only("user.email_verified")["email"] == alice.email
    assert "unverified_mfa_removed" in [payload["change"] for payload in outbox.payloads("user.security_changed")]


def test_rejected_password_reset_removes_nothing(alice):
    add_intrusion(alice, verified=False)
    request_reset()
    path, data = parse_link(link())

    assert Client().post(path, data | {"password": "password"}).status_code == 422

    assert count_login_methods(alice) == {"keys": 1, "identities": 1, "pending_emails": 1}
    assert User.objects.get().check_password(PASSWORD)


def test_password_reset_by_api_removes_the_same(alice):
    add_intrusion(alice, verified=False)
    request_reset()
    data = {"key": parse_link(link())[1]["key"], "password": NEW}

    response = ApiClient().post("/api/v1/auth/password-reset/confirm/", data)

    assert response.status_code == 204
    assert User.objects.get().check_password(NEW)
    assert count_login_methods(alice) == {"keys": 0, "identities": 0, "pending_emails": 0}


def test_password_reset_keeps_mfa_of_a_verified_user(alice):
    with_totp(with_email_address(alice))

    reset(alice)

    assert Authenticator.objects.filter(user=alice).exists()


def test_password_change_does_not_overwrite_a_concurrent_reset(alice):
    stale = User.objects.get(pk=alice.pk)
    alice.set_password("set by a reset meanwhile")
    alice.save(update_fields=["password"])

    with pytest.raises(Conflict):
        passwords.change_password(user=stale, password=NEW, now=timezone.now())

    assert User.objects.get(pk=alice.pk).check_password("set by a reset meanwhile")


def test_password_change_keeps_api_keys(alice):
    key = add_intrusion(alice, verified=True)

    change(logged_in_client(alice))

    assert count_login_methods(alice) == {"keys": 1, "identities": 1, "pending_emails": 0}
    assert api_key_client(key).get("/api/v1/me/").status_code == 200


@pytest.mark.parametrize("path", ["/settings/sessions/revoke-others/", "/settings/sessions/revoke/"])
def test_revoking_sessions_cancels_the_pending_email_change(path, alice, bob):
    add_intrusion(alice, verified=True)
    EmailAddress.objects.create(user=bob, email="bobs@example.com")

    logged_in_client(alice).post(path)

    assert count_login_methods(alice) == {"keys": 1, "identities": 1, "pending_emails": 0}
    assert EmailAddress.objects.filter(email="bobs@example.com").exists()


def test_password_change_ends_the_pending_verification_link(alice):
    add_intrusion(alice, verified=True)
    key = make_verification_key(EmailAddress.objects.get(email="intruder@example.com"))

    change(logged_in_client(alice))
    response = Client().post("/verify-email/", {"key": key})

    assert response.status_code == 404
    assert User.objects.get().email == "alice@example.com"


@pytest.mark.parametrize("handle", ["alice", "bob"])
def test_password_reset_in_a_signed_in_browser_works_the_same(handle, alice, request, outbox):
    browser = logged_in_client(request.getfixturevalue(handle))
    stolen = add_intrusion(alice, verified=False)
    request_reset()
    path, data = parse_link(link())

    response = browser.post(path, data | {"password": NEW})

    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert count_login_methods(alice) == {"keys": 0, "identities": 0, "pending_emails": 0}
    assert api_key_client(stolen).get("/api/v1/me/").status_code == 401
    assert Session.objects.filter(user=alice, revoked_at=None).count() == 0
    assert browser.get("/").status_code == (302 if handle == "alice" else 200)


def test_rejected_password_reset_keeps_the_session(alice):
    browser = logged_in_client(alice)
    request_reset()
    path, data = parse_link(link())

    assert browser.post(path, data | {"password": "password"}).status_code == 422

    assert browser.get("/").status_code == 200
    assert User.objects.get().check_password(PASSWORD)
