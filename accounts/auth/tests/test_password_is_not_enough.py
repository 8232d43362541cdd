"""Deleting an account and changing its password: a user with MFA confirms it, the password alone is not enough."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Session, User
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import reauthenticate, signed_in
from accounts.tests.mfa import recovery_codes, with_totp
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
NEW = "a wider river turns"
API = {
    "/api/v1/me/deletion/": {"confirmation": PASSWORD},
    "/api/v1/me/password/": {"current_password": PASSWORD, "password": NEW},
}
PAGES = {
    "/settings/delete-account/": {"confirmation": PASSWORD},
    "/settings/security/password/": {"current_password": PASSWORD, "password": NEW},
}


@pytest.mark.parametrize("path", API)
def test_api_requires_the_factor_besides_the_password(path, alice):
    client = signed_in(with_totp(alice))
    Session.objects.update(created_at=timezone.now() - timedelta(hours=1))
    before = table_digests()

    refused = client.post(path, API[path])

    assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")
    assert table_digests() == before
    assert client.post("/api/v1/auth/reauthenticate/", {"code": recovery_codes(alice)[0]}).status_code == 200
    assert client.post(path, API[path]).status_code in {202, 204}


@pytest.mark.parametrize("path", API)
def test_api_takes_the_password_without_mfa(path, alice):
    client = signed_in(alice)
    Session.objects.update(created_at=timezone.now() - timedelta(hours=1))

    assert client.post(path, API[path]).status_code in {202, 204}


@pytest.mark.parametrize("path", PAGES)
def test_page_requires_the_factor_besides_the_password(path, alice):
    browser = logged_in_client(with_totp(alice))
    before = User.objects.filter(pk=alice.pk).values().get()

    for response in (browser.get(path), browser.post(path, PAGES[path])):
        assert response["Location"].startswith("/reauthenticate/code/?next=")
    assert User.objects.filter(pk=alice.pk).values().get() == before
    reauthenticate(browser, alice)
    assert browser.post(path, PAGES[path]).status_code == 302
    assert User.objects.filter(pk=alice.pk).values().get() != before
