"""An address that is proposed: shown while it waits, and refused when by then somebody else has shown that it is theirs."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress

from accounts.auth.tests.test_password_pages import form_of, link
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


def test_an_address_that_waits_for_its_link_is_named_on_the_page(alice, browser):
    shown = visible_text(browser.get(EMAIL))
    EmailAddress.objects.filter(email="new@example.com").delete()

    assert "new@example.com" in shown
    assert "new@example.com" not in visible_text(browser.get(EMAIL))


def test_an_address_that_somebody_else_has_confirmed_by_then_is_confirmed_for_nobody_else(alice, bob, browser):
    EmailAddress.objects.create(user=bob, email="new@example.com", verified=True)
    path, sent = form_of(link("verify_email"))
    before = table_digests()

    answer = browser.post(path, sent)

    assert (answer.status_code, table_digests()) == (409, before)
    assert User.objects.get(pk=alice.pk).email == "alice@example.com"
    mine = EmailAddress.objects.filter(user=alice).order_by("email").values_list("email", "verified")
    assert list(mine) == [("alice@example.com", True), ("new@example.com", False)]
