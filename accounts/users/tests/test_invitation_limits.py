"""Invitations by accounts that have confirmed no address: few a day, since the email holds their words."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.test import RequestFactory

from accounts.models import Invitation
from accounts.tests.factories import with_email_address
from accounts.tests.fixtures import reauthenticated_browser, signed_in
from accounts.users.invitations.rate_limits import rate_limited_invitation
from core.errors import RateLimited
from core.testing.database_state import table_digests
from tasks.tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db


def invite(user, number):
    with rate_limited_invitation(RequestFactory().post("/"), user, f"guest-{number}@example.com"):
        pass


def test_unverified_account_invites_three_people_a_day(alice, admin):
    for number in range(3):
        invite(alice, number)
    with pytest.raises(RateLimited):
        invite(alice, 3)
    for number in range(10, 20):
        invite(admin, number)

    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    for number in range(4, 9):
        invite(alice, number)


def test_refused_invitations_spend_no_limit(alice, bob, settings):
    settings.INVITE_RATE, settings.EMAIL_LINK_RATE = "3/d", "2/h"
    project = ProjectFactory(owner=with_email_address(alice))
    client, outsider, url = signed_in(alice), signed_in(bob), f"/api/v1/projects/{project.key}/invitations/"
    before = table_digests()
    refused = [
        *(client.post(url, {"email": "a@[127.0.0.1]"}) for _ in range(5)),
        *(client.post(url, {"email": "a@example.com", "role": "king"}) for _ in range(5)),
        *(client.post("/api/v1/invitations/", {"email": "a@example.com"}) for _ in range(5)),
        *(outsider.post(url, {"email": "a@example.com"}) for _ in range(5)),
    ]
    assert [response.status_code for response in refused] == [400] * 10 + [403] * 5 + [404] * 5
    assert table_digests() == before

    codes = [client.post(url, {"email": "a@example.com"}).status_code for _ in range(4)]
    # The limit of the recipient refuses two: they spend nothing of the inviter's.
    codes += [client.post(url, {"email": f"{name}@example.com"}).status_code for name in "bc"]

    assert codes == [201, 201, 429, 429, 201, 429]
    assert Invitation.objects.count() == 3


def test_refused_address_changes_and_exports_spend_no_limit(alice, settings):
    settings.EMAIL_LINK_RATE, settings.EXPORT_RATE = "2/h", "2/d"
    browser, client = reauthenticated_browser(with_email_address(alice)), signed_in(alice)
    codes = [browser.post("/settings/security/email/", {"email": alice.email}).status_code for _ in range(4)]
    codes += [
        browser.post("/settings/security/email/", {"email": f"new-{n}@example.com"}).status_code for n in range(3)
    ]
    assert codes == [422] * 4 + [302, 302, 429]

    exports = [client.post("/api/v1/me/exports/") for _ in range(4)]
    assert [response.status_code for response in exports] == [201, 409, 409, 409]
    client.delete(exports[0]["Location"])
    assert client.post("/api/v1/me/exports/").status_code == 201
