"""The outer limit on forms with secrets: whatever an address sends counts."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


def test_credential_forms_beyond_the_rate_are_refused(settings):
    settings.CREDENTIAL_FORM_RATE = "2/h"
    UserFactory(email="ada@example.com")
    form = {"email": "ada@example.com", "password": "wrong"}

    statuses = [Client().post("/login/", form).status_code for _ in range(2)]
    rejected = Client().post("/login/", {"email": "ada@example.com", "password": PASSWORD})

    assert statuses == [422, 422]
    assert rejected.status_code == 429
    assert int(rejected["Retry-After"]) >= 1
    assert "sessionid" not in rejected.cookies
    # Reading the page is free, and other forms have a limit of their own.
    assert Client().get("/login/").status_code == 200
    assert Client().post("/password/reset/", {"email": "ada@example.com"}).status_code == 302
