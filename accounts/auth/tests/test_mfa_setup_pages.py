"""What setting up a second factor leaves in the session, and what its forms propose."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY

from accounts.auth.tests.test_mfa_pages import APP
from accounts.tests.fixtures import reauthenticated_browser
from accounts.tests.mfa import code_at
from core.testing.clock import NOW
from core.testing.page_client import visible_text

pytestmark = pytest.mark.usefixtures("clock")
ADD = "/settings/security/passkeys/add/"


def shown_secret(page):
    return re.search(r"\b[A-Z2-7]{32}\b", visible_text(page))[0]


def test_a_secret_that_can_no_longer_be_opened_gives_way_to_a_new_one(alice):
    client = reauthenticated_browser(alice)
    old = shown_secret(client.get(APP))
    kept = client.session
    kept[SECRET_SESSION_KEY] = "sealed by a key that is gone"
    kept.save()

    answer = client.post(APP, {"code": code_at(NOW, secret=old)})
    new = shown_secret(client.get(APP))

    assert answer.status_code in {200, 422}
    assert new != old
    assert Authenticator.objects.count() == 0


def test_a_passkey_has_a_name_and_signs_in_alone_unless_said_otherwise(alice):
    page = reauthenticated_browser(alice).get(ADD).content.decode()

    assert 'value="Passkey 1"' in page
    assert re.search(r'name="passwordless"[^>]*checked', page)
