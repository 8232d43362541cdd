"""Whose code it is, for how long it is good, and which half of a sign-in it finishes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator

from accounts.auth.allauth.internals import RecoveryCodes
from accounts.auth.mfa import services as mfa
from accounts.auth.mfa.services import purge_challenges
from accounts.models import MfaChallenge
from accounts.tests.mfa import code_at, recovery_codes, with_passkey, with_totp
from core.errors import NotAuthenticated
from core.testing.clock import NOW
from core.testing.database_state import table_digests

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def challenge_of(user) -> str:
    return mfa.create_challenge(user=user, methods=mfa.mfa_methods(user), now=NOW).token


def test_the_factors_of_others_are_not_ones_own(alice, bob):
    with_totp(bob)

    assert mfa.mfa_methods(alice) == []


def test_recovery_codes_alone_are_no_second_factor(alice):
    RecoveryCodes.activate(alice)

    assert (mfa.mfa_methods(alice), MfaChallenge.objects.count()) == ([], 0)


def test_a_half_of_a_sign_in_is_written_down_with_its_beginning_and_its_end(alice, settings):
    then = NOW - timedelta(hours=1)

    mfa.create_challenge(user=with_totp(alice), methods=["code"], now=then)

    row = MfaChallenge.objects.get()
    assert (row.user, row.created_at, row.expires_at) == (alice, then, then + settings.MFA_CHALLENGE_LIFETIME)


def test_each_half_of_a_sign_in_is_its_own_persons(alice, bob):
    tokens = [challenge_of(with_totp(user)) for user in (alice, bob)]

    assert [mfa.challenged_user(token=token, now=NOW) for token in tokens] == [alice, bob]
    assert mfa.complete_challenge(token=tokens[1], code=code_at(NOW), now=NOW) == bob
    assert mfa.complete_challenge(token=tokens[0], code=code_at(NOW), now=NOW) == alice


def test_what_is_no_half_of_a_sign_in_is_nobodys_while_others_sign_in(alice):
    challenge_of(with_totp(alice))
    before = table_digests()

    with pytest.raises(NotAuthenticated) as error:
        mfa.complete_challenge(token="nothing", code=code_at(NOW), now=NOW)

    assert (error.value.code, table_digests()) == ("challenge_not_valid", before)


def test_one_that_was_answered_is_nobodys_any_more(alice):
    token = challenge_of(with_totp(alice))
    mfa.complete_challenge(token=token, code=code_at(NOW), now=NOW)

    with pytest.raises(NotAuthenticated):
        mfa.challenged_user(token=token, now=NOW)


def test_wrong_codes_count_against_the_one_they_were_sent_for(alice):
    spent, fresh = [challenge_of(user) for user in (with_totp(alice), alice)]
    for _ in range(5):
        with pytest.raises(NotAuthenticated):
            mfa.complete_challenge(token=spent, code="000000", now=NOW)

    with pytest.raises(NotAuthenticated):
        mfa.challenged_user(token=spent, now=NOW)
    assert mfa.complete_challenge(token=fresh, code=code_at(NOW), now=NOW) == alice
    assert sorted(MfaChallenge.objects.values_list("attempts", flat=True)) == [1, 5]


def test_the_codes_of_others_open_nothing_and_are_not_used_up(alice, bob):
    with_totp(alice)
    theirs = recovery_codes(with_totp(bob))
    before = table_digests()

    assert mfa.verify_code(user=alice, code=theirs[0], now=NOW) is None
    assert table_digests() == before


@pytest.mark.parametrize("seconds", [-30, 0, 30])
def test_a_code_of_this_half_minute_or_one_beside_it_is_taken(seconds, alice):
    found = mfa.verify_code(user=with_totp(alice), code=code_at(NOW + timedelta(seconds=seconds)), now=NOW)

    assert found is not None
    assert (found.type, found.user) == ("totp", alice)


@pytest.mark.parametrize("seconds", [-60, 60])
def test_a_code_of_two_half_minutes_away_is_not(seconds, alice):
    with_totp(alice)
    before = table_digests()

    assert mfa.verify_code(user=alice, code=code_at(NOW + timedelta(seconds=seconds)), now=NOW) is None
    assert table_digests() == before


@pytest.mark.parametrize("mark", [" ", "-"])
def test_a_code_may_be_written_in_two_halves(mark, alice):
    code = code_at(NOW)

    assert mfa.verify_code(user=with_totp(alice), code=f"{code[:3]}{mark}{code[3:]} ", now=NOW) is not None


@pytest.mark.parametrize("kind", ["totp", "recovery_codes"])
def test_a_passkey_beside_them_is_in_the_way_of_no_code(kind, alice):
    with_totp(with_passkey(alice))
    code = code_at(NOW) if kind == "totp" else recovery_codes(alice)[0]

    found = mfa.verify_code(user=alice, code=code, now=NOW)

    assert (found and found.type, mfa.verify_code(user=alice, code=code, now=NOW)) == (kind, None)


def test_a_passkey_holds_no_secret_that_would_be_sealed_anew(alice):
    with_totp(with_passkey(alice))
    before = Authenticator.objects.get(type="webauthn").data

    assert mfa.reencrypt_secrets() == 2
    assert Authenticator.objects.get(type="webauthn").data == before


def test_a_half_of_a_sign_in_that_may_still_be_finished_is_not_forgotten(alice, settings):
    token = challenge_of(with_totp(alice))

    assert purge_challenges(now=NOW + settings.MFA_CHALLENGE_LIFETIME) == 0
    assert mfa.complete_challenge(token=token, code=code_at(NOW), now=NOW) == alice
