"""MFA services: challenges, TOTP and recovery codes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator

from accounts.auth.allauth.internals import RecoveryCodes
from accounts.auth.login import mfa_methods
from accounts.auth.mfa import services as mfa
from accounts.auth.mfa.services import purge_challenges
from accounts.models import MfaChallenge
from accounts.tests.mfa import code_at, recovery_codes, with_passkey, with_totp
from core.errors import NotAuthenticated
from core.testing.clock import NOW
from core.testing.database_state import table_digests

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def create_challenge(user) -> str:
    return mfa.create_challenge(user=user, methods=mfa_methods(user), now=NOW).token


def test_mfa_methods_are_those_of_the_user_only(alice, bob):
    with_totp(bob)

    assert mfa_methods(alice) == []


def test_recovery_codes_alone_are_no_mfa_method(alice):
    RecoveryCodes.activate(alice)

    assert (mfa_methods(alice), MfaChallenge.objects.count()) == ([], 0)


def test_challenge_row_has_user_creation_and_expiry(alice, settings):
    created_at = NOW - timedelta(hours=1)

    mfa.create_challenge(user=with_totp(alice), methods=["code"], now=created_at)

    row = MfaChallenge.objects.get()
    assert (row.user, row.created_at, row.expires_at) == (
        alice,
        created_at,
        created_at + settings.MFA_CHALLENGE_LIFETIME,
    )


def test_challenge_belongs_to_its_user(alice, bob):
    tokens = [create_challenge(with_totp(user)) for user in (alice, bob)]

    assert [mfa.challenged_user(token=token, now=NOW) for token in tokens] == [alice, bob]
    assert mfa.complete_challenge(token=tokens[1], code=code_at(NOW), now=NOW) == bob
    assert mfa.complete_challenge(token=tokens[0], code=code_at(NOW), now=NOW) == alice


def test_unknown_challenge_is_rejected(alice):
    create_challenge(with_totp(alice))
    before = table_digests()

    with pytest.raises(NotAuthenticated) as error:
        mfa.complete_challenge(token="nothing", code=code_at(NOW), now=NOW)

    assert (error.value.code, table_digests()) == ("challenge_not_valid", before)


def test_completed_challenge_is_rejected(alice):
    token = create_challenge(with_totp(alice))
    mfa.complete_challenge(token=token, code=code_at(NOW), now=NOW)

    with pytest.raises(NotAuthenticated):
        mfa.challenged_user(token=token, now=NOW)


def test_wrong_codes_count_against_their_challenge(alice):
    spent, fresh = [create_challenge(user) for user in (with_totp(alice), alice)]
    for _ in range(5):
        with pytest.raises(NotAuthenticated):
            mfa.complete_challenge(token=spent, code="000000", now=NOW)

    with pytest.raises(NotAuthenticated):
        mfa.challenged_user(token=spent, now=NOW)
    assert mfa.complete_challenge(token=fresh, code=code_at(NOW), now=NOW) == alice
    assert sorted(MfaChallenge.objects.values_list("attempts", flat=True)) == [1, 5]


def test_recovery_code_of_another_user_is_rejected_and_kept(alice, bob):
    with_totp(alice)
    codes = recovery_codes(with_totp(bob))
    before = table_digests()

    assert mfa.verify_code(user=alice, code=codes[0], now=NOW) is None
    assert table_digests() == before


@pytest.mark.parametrize("seconds", [-30, 0, 30])
def test_totp_code_of_an_adjacent_period_is_accepted(seconds, alice):
    authenticator = mfa.verify_code(user=with_totp(alice), code=code_at(NOW + timedelta(seconds=seconds)), now=NOW)

    assert authenticator is not None
    assert (authenticator.type, authenticator.user) == ("totp", alice)


def test_totp_code_two_periods_away_is_rejected(alice):
    with_totp(alice)
    before = table_digests()

    for seconds in (-60, 60):
        assert mfa.verify_code(user=alice, code=code_at(NOW + timedelta(seconds=seconds)), now=NOW) is None, seconds
    assert table_digests() == before


@pytest.mark.parametrize("separator", [" ", "-"])
def test_totp_code_may_contain_a_separator(separator, alice):
    code = code_at(NOW)

    assert mfa.verify_code(user=with_totp(alice), code=f"{code[:3]}{separator}{code[3:]} ", now=NOW) is not None


@pytest.mark.parametrize("kind", ["totp", "recovery_codes"])
def test_codes_of_a_user_with_a_passkey_work_once(kind, alice):
    with_totp(with_passkey(alice))
    code = code_at(NOW) if kind == "totp" else recovery_codes(alice)[0]

    authenticator = mfa.verify_code(user=alice, code=code, now=NOW)

    assert (authenticator and authenticator.type, mfa.verify_code(user=alice, code=code, now=NOW)) == (kind, None)


def test_reencryption_leaves_passkeys_unchanged(alice):
    with_totp(with_passkey(alice))
    before = Authenticator.objects.get(type="webauthn").data

    assert mfa.reencrypt_secrets() == 2
    assert Authenticator.objects.get(type="webauthn").data == before


def test_challenge_that_is_still_valid_is_not_purged(alice, settings):
    token = create_challenge(with_totp(alice))

    assert purge_challenges(now=NOW + settings.MFA_CHALLENGE_LIFETIME) == 0
    assert mfa.complete_challenge(token=token, code=code_at(NOW), now=NOW) == alice
