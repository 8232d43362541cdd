"""A requested email address: visible while unverified, rejected once another user has verified it."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress

from accounts.auth.tests.test_password_pages import link, parse_link
from accounts.models import User
from accounts.tests.factories import with_email_address
from accounts.tests.fixtures import reauthenticated_browser
from core.testing.database_state import table_digests
from core.testing.page_client import visible_text

pytestmark = pytest.mark.django_db
EMAIL = "/settings/security/email/"


@pytest.fixture
def browser(alice):
    client = reauthenticated_browser(with_email_address(alice))
    client.post(EMAIL, {"email": "new@example.com"})
    return client


def test_unverified_new_address_is_named_on_the_page(alice, browser):
    text = visible_text(browser.get(EMAIL))
    EmailAddress.objects.filter(email="new@example.com").delete()

    assert "new@example.com" in text
    assert "new@example.com" not in visible_text(browser.get(EMAIL))


def test_address_verified_by_another_user_is_rejected(alice, bob, browser):
    EmailAddress.objects.create(user=bob, email="new@example.com", verified=True)
    path, data = parse_link(link("verify_email"))
    before = table_digests()

    response = browser.post(path, data)

    assert (response.status_code, table_digests()) == (409, before)
    assert User.objects.get(pk=alice.pk).email == "alice@example.com"
    addresses = EmailAddress.objects.filter(user=alice).order_by("email").values_list("email", "verified")
    assert list(addresses) == [("alice@example.com", True), ("new@example.com", False)]
