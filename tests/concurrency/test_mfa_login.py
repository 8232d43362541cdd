"""Concurrent completion of an MFA challenge."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from accounts.auth.mfa import enrollment
from accounts.auth.tests.test_mfa_api import finish, log_in
from accounts.models import MfaChallenge, Session, User
from accounts.tests.factories import PASSWORD
from accounts.tests.mfa import code_at, recovery_codes, with_totp
from core.testing.concurrency import errors_of_type, interleave, run_concurrently

pytestmark = pytest.mark.django_db(transaction=True)


def test_challenge_is_completed_once_by_many(alice):
    """Each code is valid; it is the challenge that can be used once."""
    codes = recovery_codes(with_totp(alice))[:8]
    challenge = log_in().json()["challenge"]

    outcomes = run_concurrently([lambda code=code: finish(challenge, code) for code in codes])

    assert errors_of_type(outcomes) == []
    assert sorted(response.status_code for response in outcomes) == [200] + [401] * 7
    assert {response.json()["code"] for response in outcomes if response.status_code == 401} == {"challenge_not_valid"}
    assert Session.objects.count() == 1
    assert (MfaChallenge.objects.get().attempts, len(recovery_codes(alice))) == (1, 9)


def test_code_completes_one_of_many_challenges(alice):
    with_totp(alice)
    code = code_at(timezone.now())
    challenges = [log_in().json()["challenge"] for _ in range(6)]

    outcomes = run_concurrently([lambda challenge=challenge: finish(challenge, code) for challenge in challenges])

    assert errors_of_type(outcomes) == []
    assert sorted(response.status_code for response in outcomes) == [200] + [401] * 5
    assert Session.objects.count() == 1


def test_login_during_first_mfa_method_leaves_no_session(alice):
    """The password was verified before the method was committed; the session is opened after it, or revoked by it."""
    browser = Client()
    logins = [log_in, lambda: browser.post("/login/", {"email": alice.email, "password": PASSWORD})]

    def add_passkey():
        user = User.objects.get(pk=alice.pk)
        return enrollment.add_passkey(user=user, name="Key", credential={}, now=timezone.now(), keep=None)

    for log_in_now in logins:
        for pair in ((add_passkey, log_in_now), (log_in_now, add_passkey)):
            Authenticator.objects.all().delete()

            outcomes = interleave(*pair)

            assert errors_of_type(outcomes) == []
            assert not Session.objects.filter(revoked_at=None).exists()
            assert browser.get("/settings/").status_code == 302
