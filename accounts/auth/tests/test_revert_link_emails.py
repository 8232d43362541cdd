"""Emails about login methods: which carry a revert link, and what that link covers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.utils import timezone

from accounts.auth import security_notifications
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.oidc import services as oidc
from accounts.auth.tests.test_password_pages import sent_emails
from accounts.auth.tests.test_revert_login_method import identity_of, link_token, post_revert, revert_links
from accounts.models import User
from accounts.tests.factories import with_email_address
from accounts.tests.mfa import with_passkey, with_totp
from core.testing.clock import NOW
from core.testing.page_client import visible_text
from events.models import Event
from notifications.handlers import identity_linked

pytestmark = pytest.mark.usefixtures("clock")


def test_login_method_emails_carry_the_revert_link(alice):
    with_passkey(with_totp(alice))

    for change in ("totp_activated", "webauthn_added", "recovery_codes_generated"):
        security_notifications.notify_security_change(user=alice, change=change, now=NOW)

        body = sent_emails("security_changed")[-1].body
        assert "/revert-login-method/?token=" in body, change
        assert "password alone wouldn't undo it" in body
        assert "/password/reset/" not in body
    assert len(sent_emails("security_changed")) == 3


def test_identity_email_carries_the_revert_link(alice):
    oidc.link_identity(actor=alice, identity=identity_of("intruder"))
    identity_linked(Event.objects.get(name="identity.linked"))
    [url] = revert_links()

    post_revert(url)

    assert SocialAccount.objects.count() == 0
    assert not User.objects.get().has_usable_password()


def test_identity_email_reverts_its_identity_and_later_ones(alice):
    """Even if both were linked before the first event was delivered."""
    for provider in ("example", "other"):
        oidc.link_identity(actor=alice, identity=identity_of("intruder", provider))
    for event in Event.objects.filter(name="identity.linked").order_by("pk"):
        identity_linked(event)
    first, second = revert_links()

    counts = [visible_text(Client().get(url)).count("Sign-in with") for url in (first, second)]
    post_revert(first)

    assert counts == [2, 1]
    assert SocialAccount.objects.count() == 0


def test_email_about_an_unlinked_identity_has_no_revert_link(alice):
    for provider in ("example", "other"):
        oidc.link_identity(actor=alice, identity=identity_of("own", provider))
    SocialAccount.objects.get(provider="example").delete()

    identity_linked(Event.objects.get(name="identity.linked", payload__provider="example"))

    [email] = sent_emails("security_changed")
    assert "/revert-login-method/" not in email.body
    assert "/password/reset/" in email.body


def test_event_without_an_identity_id_has_no_revert_link(alice):
    oidc.link_identity(actor=alice, identity=identity_of("own"))
    event = Event.objects.get(name="identity.linked")
    del event.payload["identity_id"]

    identity_linked(event)

    assert "/revert-login-method/" not in sent_emails("security_changed")[0].body


@pytest.mark.parametrize("skew", [timedelta(seconds=1), timedelta(minutes=10)])
def test_revert_covers_later_methods_despite_clock_skew(skew, alice, clock):
    """Within one kind, primary keys order the methods; timestamps matter only between kinds."""
    with_passkey(with_email_address(alice))
    mfa_link = login_methods_selectors.revert_link_for_mfa_method(alice, "webauthn_added")
    oidc.link_identity(actor=alice, identity=identity_of("intruder"))
    identity = SocialAccount.objects.get()
    identity_link = login_methods_selectors.revert_link_for_identity(alice, identity.pk)
    clock.shift(-skew)
    with_passkey(alice)
    oidc.link_identity(actor=alice, identity=identity_of("intruder", "other"))

    added = [
        login_methods_selectors.get_login_methods_added(link_token(link), NOW) for link in (mfa_link, identity_link)
    ]

    within_tolerance = skew < timedelta(seconds=5)
    assert [(len(methods.mfa_methods), len(methods.identities)) for methods in added] == [
        (2, 2 if within_tolerance else 1),
        (2 if within_tolerance else 1, 2),
    ]


@pytest.mark.parametrize(("seconds", "identities"), [(5, 1), (6, 0)])
def test_revert_covers_other_kinds_within_five_seconds(seconds, identities, alice, clock):
    with_passkey(with_email_address(alice))
    oidc.link_identity(actor=alice, identity=identity_of("own"))
    clock.shift(timedelta(seconds=seconds))
    with_passkey(alice)

    methods = login_methods_selectors.get_login_methods_added(
        link_token(login_methods_selectors.revert_link_for_mfa_method(alice, "webauthn_added")), timezone.now()
    )

    assert (len(methods.mfa_methods), len(methods.identities)) == (1, identities)


def test_other_security_emails_have_no_revert_link(alice):
    advice = {"password_reset": "reset your password now", "email_changed": "contact an administrator"}

    for change, text in advice.items():
        security_notifications.notify_security_change(user=alice, change=change, now=NOW)

        body = sent_emails("security_changed")[-1].body
        assert text in body
        assert "/revert-login-method/" not in body, change
    assert len(sent_emails("security_changed")) == 2
