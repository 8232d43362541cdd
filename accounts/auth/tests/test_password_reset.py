"""What a reset ends, whoever opens the link and at whichever door; and what a change leaves as it is."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.utils import timezone

from accounts.auth.tests.test_password_pages import NEW, ask, change, form_of, link
from accounts.models import ApiKey, Session, User
from accounts.tests.api_keys import api_key_client, create_api_key
from accounts.tests.factories import PASSWORD, with_email_address
from accounts.tests.fixtures import ApiClient
from accounts.tests.mfa import with_totp
from core.testing.page_client import logged_in_client


def reset(user):
    ask(user.email)
    path, sent = form_of(link())
    return Client().post(path, sent | {"password": NEW})


def planted(user, *, verified):
    """What an intruder leaves in an account: a key, an identity of their own, an address that waits to be confirmed."""
    EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
    EmailAddress.objects.create(user=user, email="intruder@example.com")
    theirs = {"email": "intruder@example.com"}
    SocialAccount.objects.create(user=user, provider="example", uid="intruder", extra_data=theirs)
    return create_api_key(user).text


def state_of(user):
    return {
        "keys": ApiKey.objects.open(timezone.now()).filter(owner=user).count(),
        "identities": SocialAccount.objects.filter(user=user).count(),
        "proposals": EmailAddress.objects.filter(user=user, email="intruder@example.com").count(),
    }


@pytest.mark.parametrize("verified", [True, False])
def test_a_reset_ends_what_an_intruder_planted(verified, alice, bob, outbox):
    stolen, of_bob = planted(alice, verified=verified), create_api_key(bob).text
    assert api_key_client(stolen).get("/api/v1/me/").status_code == 200

    answer = reset(alice)

    assert answer["Location"] == "/login/"
    assert state_of(alice) == {"keys": 0, "identities": 0, "proposals": 0}
    assert [api_key_client(text).get("/api/v1/me/").status_code for text in (stolen, of_bob)] == [401, 200]
    assert outbox.names().count("api_key.revoked") == 1
    assert outbox.names().count("identity.unlinked") == 1


@pytest.mark.parametrize(("verified", "left"), [(True, ["own"]), (False, [])])
def test_a_reset_keeps_the_identity_of_ones_own_address(verified, left, alice):
    planted(alice, verified=verified)
    own = {"email": alice.email.upper()}
    SocialAccount.objects.create(user=alice, provider="another", uid="own", extra_data=own)

    reset(alice)

    assert list(SocialAccount.objects.values_list("uid", flat=True)) == left


def test_a_reset_shows_whose_the_address_is_and_removes_what_was_set_up_before(alice, outbox):
    """Whoever registered with an address of others, and set a factor up, would lock its owner out for good."""
    with_totp(with_email_address(alice, verified=False))

    reset(alice)

    owner = Client()
    owner.post("/login/", {"email": alice.email, "password": NEW})
    assert owner.get("/").status_code == 200
    assert not Authenticator.objects.exists()
    assert EmailAddress.objects.get().verified
    assert outbox.only("user.email_verified")["email"] == alice.email
    assert "unverified_mfa_removed" in [one["change"] for one in outbox.payloads("user.security_changed")]


def test_a_reset_that_is_refused_ends_nothing(alice):
    planted(alice, verified=False)
    ask()
    path, sent = form_of(link())

    assert Client().post(path, sent | {"password": "password"}).status_code == 422

    assert state_of(alice) == {"keys": 1, "identities": 1, "proposals": 1}
    assert User.objects.get().check_password(PASSWORD)


def test_reset_by_api_ends_the_same(alice):
    planted(alice, verified=False)
    ask()
    data = {"key": form_of(link())[1]["key"], "password": NEW}

    response = ApiClient().post("/api/v1/auth/password-reset/confirm/", data)

    assert response.status_code == 204
    assert User.objects.get().check_password(NEW)
    assert state_of(alice) == {"keys": 0, "identities": 0, "proposals": 0}


def test_a_reset_keeps_the_second_factor(alice):
    with_totp(with_email_address(alice))

    reset(alice)

    assert Authenticator.objects.filter(user=alice).exists()


def test_changing_ones_password_keeps_ones_keys(alice):
    key = planted(alice, verified=True)

    change(logged_in_client(alice))

    assert state_of(alice) == {"keys": 1, "identities": 1, "proposals": 0}
    assert api_key_client(key).get("/api/v1/me/").status_code == 200


@pytest.mark.parametrize("path", ["/settings/sessions/revoke-others/", "/settings/sessions/revoke/"])
def test_ending_sessions_takes_back_what_they_proposed(path, alice, bob):
    planted(alice, verified=True)
    EmailAddress.objects.create(user=bob, email="bobs@example.com")

    logged_in_client(alice).post(path)

    assert state_of(alice) == {"keys": 1, "identities": 1, "proposals": 0}
    assert EmailAddress.objects.filter(email="bobs@example.com").exists()


def test_the_link_to_an_address_that_an_intruder_proposed_leads_nowhere_after_a_change(alice):
    planted(alice, verified=True)
    key = EmailConfirmationHMAC(EmailAddress.objects.get(email="intruder@example.com")).key

    change(logged_in_client(alice))
    answer = Client().post("/verify-email/", {"key": key})

    assert answer.status_code == 404
    assert User.objects.get().email == "alice@example.com"


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_a_reset_by_link_is_one_also_in_a_browser_that_is_signed_in(whose, alice, request, outbox):
    browser = logged_in_client(request.getfixturevalue(whose))
    stolen = planted(alice, verified=False)
    ask()
    path, sent = form_of(link())

    answer = browser.post(path, sent | {"password": NEW})

    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert state_of(alice) == {"keys": 0, "identities": 0, "proposals": 0}
    assert api_key_client(stolen).get("/api/v1/me/").status_code == 401
    assert Session.objects.filter(user=alice, revoked_at=None).count() == 0
    assert browser.get("/").status_code == (302 if whose == "alice" else 200)


def test_a_reset_that_is_refused_keeps_the_browser_signed_in(alice):
    browser = logged_in_client(alice)
    ask()
    path, sent = form_of(link())

    assert browser.post(path, sent | {"password": "password"}).status_code == 422

    assert browser.get("/").status_code == 200
    assert User.objects.get().check_password(PASSWORD)
