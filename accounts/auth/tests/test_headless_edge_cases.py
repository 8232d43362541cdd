"""allauth's API for programs, at its edges: what is counted, what is half done, what is left as it was."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress

from accounts.auth.tests.test_headless_api import Program
from accounts.auth.tests.test_password_pages import form_of, link, mails
from accounts.models import Session, User
from accounts.tests.mfa import code_at, with_totp
from core.testing.clock import NOW
from core.testing.database_state import table_digests

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_to_ask_for_a_passkey_is_counted_for_the_address(settings):
    settings.LOGIN_RATE_PER_ADDRESS = "1/5m"

    codes = [Program().ask("get", "auth/webauthn/login").status_code for _ in range(2)]

    assert codes == [200, 429]


def test_half_a_sign_in_that_is_given_up_leaves_nothing_to_finish(alice):
    with_totp(alice)
    program = Program()
    program.sign_in()

    program.ask("delete", "auth/session")
    answer = program.ask("post", "auth/2fa/authenticate", {"code": code_at(NOW)})

    assert answer.status_code in {401, 409, 410}
    assert Session.objects.count() == 0


def test_to_sign_out_who_is_out_already_ends_nothing(alice, outbox):
    program = Program()
    program.sign_in()
    row = Session.objects.get()
    Session.objects.update(revoked_at=NOW)
    before = outbox.names()

    answer = program.ask("delete", "auth/session")

    assert answer.status_code in {401, 410}
    assert Session.objects.get().revoked_at == NOW
    assert (Session.objects.get().pk, outbox.names()) == (row.pk, before)


def test_an_address_that_somebody_else_has_confirmed_meanwhile_is_not_taken(alice, bob):
    address = EmailAddress.objects.create(user=alice, email="new@example.com")
    from accounts.auth.email_addresses import services as email_addresses

    email_addresses.send_verification_link(address)
    EmailAddress.objects.create(user=bob, email="new@example.com", verified=True)
    before = table_digests()

    answer = Program().ask("post", "auth/email/verify", {"key": form_of(link("verify_email"))[1]["key"]})

    assert answer.status_code in {400, 401, 409}
    assert User.objects.get(pk=alice.pk).email == "alice@example.com"
    assert table_digests()["account_emailaddress"] == before["account_emailaddress"]
    assert len(mails("verify_email")) == 1
