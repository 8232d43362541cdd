"""Rate limit of verification emails, and registration with verified email addresses."""

from __future__ import annotations

from django.test import Client

from accounts.auth.tests.test_email_verification import NEW
from accounts.auth.tests.test_password_pages import sent_emails
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import ApiClient
from core.testing.database_state import table_digests


def test_verification_email_beyond_the_rate_is_skipped_silently(verified_email_required, alice, settings):
    settings.EMAIL_LINK_RATE = "1/h"

    responses = [Client().post("/login/", {"email": alice.email, "password": PASSWORD}) for _ in range(3)]

    assert [response["Location"] for response in responses] == ["/verify-email/sent/"] * 3
    assert len(sent_emails("verify_email")) == 1
    assert Session.objects.count() == 0


def test_weak_password_is_rejected_before_the_address_is_checked(verified_email_required, alice):
    before = table_digests()

    responses = [
        ApiClient().post("/api/v1/auth/register/", NEW | {"email": email, "password": "short"})
        for email in ("n@example.com", "alice@example.com")
    ]

    assert [(response.status_code, response.json()["errors"][0]["field"]) for response in responses] == [
        (400, "password")
    ] * 2
    assert User.objects.count() == 1
    assert table_digests() == before
