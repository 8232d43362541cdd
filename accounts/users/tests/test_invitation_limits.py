"""Invitations by accounts that have confirmed no address: few a day, since the email holds their words."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.test import RequestFactory

from accounts.users.invitations.rate_limits import rate_limited_invitation
from core.errors import RateLimited

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
