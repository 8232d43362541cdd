"""The link in the email to a replaced address: it restores the address and signs everybody out, for seven days."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.tests.test_password_pages import link, parse_link, sent_emails
from accounts.auth.tests.test_revert_login_method import add_totp, post_revert, revert_links
from accounts.models import EmailChange, Session, User
from accounts.privacy import services as privacy
from accounts.tests.factories import PASSWORD, with_email_address
from accounts.tests.fixtures import ApiClient, reauthenticated_browser
from core.errors import NotFound
from core.testing.database_state import table_digests
from core.testing.page_client import visible_text
from notifications.models import OutgoingEmail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
OLD, NEW, THIRD = "alice@example.com", "intruder@example.com", "third@example.com"


def change_email(user, email, client=None):
    client = client or reauthenticated_browser(user)
    client.post("/settings/security/email/", {"email": email})
    path, data = parse_link(link("verify_email"))
    assert client.post(path, data).status_code == 302
    return client


def restored(user):
    user.refresh_from_db()
    rows = list(EmailAddress.objects.filter(user=user).values_list("email", "verified", "primary"))
    sessions = Session.objects.open(timezone.now()).filter(user=user).count()
    return user.email, rows, sessions, user.has_usable_password()


def test_revert_restores_the_address_and_ends_sessions(alice):
    with_email_address(alice)
    intruder = change_email(alice, NEW)
    add_totp(alice, intruder)
    (url, _) = revert_links()
    assert [email.to for email in OutgoingEmail.objects.filter(kind="security_changed")][-2] == OLD

    text = visible_text(Client().get(url))
    assert NEW in text
    assert f"restore the email address {OLD}" in text
    assert User.objects.get(pk=alice.pk).email == NEW
    response = post_revert(url)

    assert response["Location"] == "/login/"
    assert restored(alice) == (OLD, [(OLD, True, True)], 0, False)
    assert not Authenticator.objects.exists()
    assert intruder.get("/").status_code == 302
    path, data = parse_link(link())
    owner = Client()
    owner.post(path, data | {"password": "a wider river turns"})
    owner.post("/login/", {"email": OLD, "password": "a wider river turns"})
    assert owner.get("/").status_code == 200
    assert OutgoingEmail.objects.filter(kind="password_reset").get().to == OLD


def test_revert_works_after_further_changes(alice):
    with_email_address(alice)
    intruder = change_email(alice, NEW)
    change_email(alice, THIRD, intruder)
    first, second = revert_links()

    post_revert(first)

    assert restored(alice)[0] == OLD
    before = table_digests()
    assert post_revert(second).status_code == 404  # it went to the intruder's mailbox
    assert post_revert(first).status_code == 404
    assert table_digests() == before


@pytest.mark.parametrize("seconds", [0, 1])
def test_revert_link_lasts_seven_days(seconds, alice, clock):
    with_email_address(alice)
    change_email(alice, NEW)
    [url] = revert_links()
    clock.shift(timedelta(days=7, seconds=seconds))
    before = table_digests()

    response = post_revert(url)

    assert response.status_code == (404 if seconds else 302)
    assert (table_digests() == before) == bool(seconds)
    email_addresses.purge_email_changes(now=timezone.now() + timedelta(days=8))
    assert not EmailChange.objects.exists()


def test_forged_revert_link_is_refused(alice, bob):
    with_email_address(alice)
    with_email_address(bob)
    change_email(alice, NEW)
    [url] = revert_links()
    number = EmailChange.objects.get().pk
    before = table_digests()

    for token in (
        f"email.{number}",
        f"email.{number}:x",
        f"email.{number + 1}:x",
        "email.",
        "email.9999999999999999999",
    ):
        assert post_revert(f"/revert-login-method/?token={token}").status_code == 404
    assert post_revert(url.replace("email.", "identity.")).status_code == 404
    assert table_digests() == before


def test_unverified_address_gets_no_revert_link(alice):
    with_email_address(alice, verified=False)

    change_email(alice, NEW)

    assert revert_links() == []
    assert not EmailChange.objects.exists()


def test_former_address_is_reserved_while_it_can_be_restored(alice, bob, clock):
    with_email_address(alice)
    with_email_address(bob)
    change_email(alice, NEW)
    data = {"email": "Alice@EXAMPLE.com", "name": "A", "password": "a wider river turns"}
    before = User.objects.count()

    assert ApiClient().post("/api/v1/auth/register/", data).json()["errors"][0]["field"] == "email"
    assert User.objects.count() == before
    browser = reauthenticated_browser(bob)
    browser.post("/settings/security/email/", {"email": OLD})
    path, form = parse_link(link("verify_email"))
    digests = table_digests()
    assert (browser.post(path, form).status_code, table_digests()) == (409, digests)

    clock.shift(timedelta(days=7, seconds=1))
    assert ApiClient().post("/api/v1/auth/register/", data).status_code == 201


def test_address_that_another_account_has_is_not_restored(alice, bob):
    with_email_address(alice)
    change_email(alice, NEW)
    [url] = revert_links()
    User.objects.filter(pk=bob.pk).update(email=OLD)
    before = table_digests()

    response = post_revert(url)

    assert (response.status_code, table_digests()) == (409, before)


def test_deletion_email_goes_to_the_former_address_too(alice):
    with_email_address(alice)
    change_email(alice, NEW)
    alice.refresh_from_db()

    privacy.request_deletion(actor=alice, confirmation=PASSWORD, now=timezone.now())

    recipients = OutgoingEmail.objects.filter(kind="deletion_requested").values_list("to", flat=True)
    assert set(recipients) == {OLD, NEW}
    path = re.search(r"/cancel-deletion/\?token=(\S+)", sent_emails("deletion_requested")[0].body)
    with transaction.atomic():
        privacy.cancel_deletion(token=path[1], now=timezone.now())
    with pytest.raises(NotFound):
        privacy.cancel_deletion(token=path[1], now=timezone.now())
    [url] = revert_links()
    assert post_revert(url).status_code == 302
    assert restored(alice)[0] == OLD
