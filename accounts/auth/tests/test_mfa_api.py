"""Login with MFA through POST /api/v1/auth/login/ and /api/v1/auth/mfa/."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from accounts.auth.mfa import services as mfa
from accounts.auth.passwords import services as passwords
from accounts.models import MfaChallenge, Session, User
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import ApiClient
from accounts.tests.mfa import code_at, recovery_codes, with_passkey, with_totp
from core.errors import NotAuthenticated
from core.testing.clock import NOW

pytestmark = pytest.mark.usefixtures("clock")
LOGIN, FINISH = "/api/v1/auth/login/", "/api/v1/auth/mfa/"


@pytest.fixture
def mfa_user(alice):
    return with_totp(alice)


def log_in(email="alice@example.com", password=PASSWORD):
    return ApiClient().post(LOGIN, {"email": email, "password": password})


def finish(challenge, code):
    return ApiClient().post(FINISH, {"challenge": challenge, "code": code})


def test_login_with_mfa_returns_a_challenge_and_no_tokens(mfa_user):
    response = log_in()

    body = response.json()
    assert (response.status_code, body["code"]) == (401, "mfa_required")
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    assert (body["methods"], body["expires_in"]) == (["code", "recovery_code"], 300)
    assert not {"access", "refresh"} & set(body)
    assert Session.objects.count() == 0


def test_wrong_password_reveals_no_mfa(mfa_user):
    response = log_in(password="wrong")

    assert response.json()["code"] == "wrong_credentials"
    assert MfaChallenge.objects.count() == 0


def test_login_without_mfa_succeeds_at_once(alice):
    assert log_in().status_code == 200


def test_challenge_methods_include_passkeys(mfa_user):
    with_passkey(mfa_user)

    assert log_in().json()["methods"] == ["code", "recovery_code", "passkey"]


def test_totp_code_completes_the_login(mfa_user):
    response = finish(log_in().json()["challenge"], code_at(NOW))

    assert response.status_code == 200
    assert set(response.json()) == {"access", "refresh", "user"}
    assert Session.objects.get().user == mfa_user
    me = ApiClient(HTTP_AUTHORIZATION=f"Bearer {response.json()['access']}").get("/api/v1/me/")
    assert me.json()["email"] == "alice@example.com"


def test_recovery_code_completes_one_login(mfa_user):
    code = recovery_codes(mfa_user)[0]

    codes = [finish(log_in().json()["challenge"], code).status_code for _ in range(2)]

    assert codes == [200, 401]
    assert len(recovery_codes(mfa_user)) == 9
    assert Session.objects.count() == 1


def test_totp_code_of_another_minute_is_rejected(mfa_user):
    for seconds in (-90, 90):
        response = finish(log_in().json()["challenge"], code_at(NOW + timedelta(seconds=seconds)))

        assert (response.status_code, response.json()["code"]) == (401, "wrong_code"), seconds
    assert Session.objects.count() == 0


def test_totp_code_works_once_while_it_is_valid(mfa_user, clock):
    first = finish(log_in().json()["challenge"], code_at(NOW))
    clock.move_to(NOW + timedelta(seconds=25))

    again = finish(log_in().json()["challenge"], code_at(NOW))

    assert (first.status_code, again.status_code) == (200, 401)
    assert Session.objects.count() == 1


def test_challenge_works_once(mfa_user, clock):
    challenge = log_in().json()["challenge"]
    first = finish(challenge, code_at(NOW))
    clock.move_to(NOW + timedelta(seconds=60))

    again = finish(challenge, code_at(NOW + timedelta(seconds=60)))

    assert (first.status_code, again.json()["code"]) == (200, "challenge_not_valid")
    assert Session.objects.count() == 1


def test_challenge_expires_after_five_minutes(mfa_user, clock):
    challenge = log_in().json()["challenge"]
    clock.move_to(NOW + timedelta(minutes=5))

    response = finish(challenge, code_at(NOW + timedelta(minutes=5)))

    assert response.json()["code"] == "challenge_not_valid"
    assert Session.objects.count() == 0


def test_challenge_ends_after_five_wrong_codes(mfa_user, settings):
    settings.MFA_RATE = "1000/m"
    challenge = log_in().json()["challenge"]
    wrong = [finish(challenge, "000000").json()["code"] for _ in range(5)]

    response = finish(challenge, code_at(NOW))

    assert wrong == ["wrong_code"] * 5
    assert response.json()["code"] == "challenge_not_valid"
    assert Session.objects.count() == 0


def test_challenge_ends_when_the_password_changes(mfa_user):
    challenge = log_in().json()["challenge"]
    passwords.change_password(user=User.objects.get(), password="another quiet river", now=NOW)

    response = finish(challenge, code_at(NOW))

    assert response.json()["code"] == "challenge_not_valid"
    assert Session.objects.count() == 0


def test_challenge_of_a_deactivated_user_is_rejected(mfa_user):
    challenge = log_in().json()["challenge"]
    User.objects.update(is_active=False)

    response = finish(challenge, code_at(NOW))

    assert response.json()["code"] == "challenge_not_valid"
    assert Session.objects.count() == 0


def test_challenge_is_no_access_token(mfa_user):
    challenge = log_in().json()["challenge"]

    assert ApiClient(HTTP_AUTHORIZATION=f"Bearer {challenge}").get("/api/v1/me/").status_code == 401


def test_mfa_rate_counts_codes_across_challenges(mfa_user, settings):
    settings.MFA_RATE = "3/5m"

    codes = [finish(log_in().json()["challenge"], "000000").status_code for _ in range(3)]
    response = finish(log_in().json()["challenge"], code_at(NOW))

    assert codes == [401, 401, 401]
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert Session.objects.count() == 0


def test_wrong_code_is_logged(mfa_user, outbox):
    challenge = log_in().json()["challenge"]

    finish(challenge, "000000")

    assert outbox.names()[-1] == "user.login_failed"


def test_challenge_token_and_totp_secret_are_stored_encrypted(mfa_user):
    challenge = log_in().json()["challenge"]

    with connection.cursor() as cursor:
        cursor.execute("SELECT c::text FROM accounts_mfachallenge c UNION ALL SELECT a::text FROM mfa_authenticator a")
        rows = " ".join(row[0] for row in cursor.fetchall())
    assert challenge not in rows
    assert "JBSWY3DP" not in rows


def test_malformed_mfa_request_is_invalid(db):
    for data in ({}, {"challenge": "x"}, {"challenge": "x", "code": ""}, {"challenge": 1, "code": "1"}):
        assert ApiClient().post(FINISH, data).status_code == 400, data


def test_unknown_challenge_is_rejected(db):
    for challenge in ("nothing", "a" * 100):
        assert finish(challenge, "000000").json()["code"] == "challenge_not_valid", challenge


@pytest.mark.django_db(transaction=True)
def test_concurrent_use_of_one_code_succeeds_once(mfa_user):
    tokens = [log_in().json()["challenge"] for _ in range(4)]

    def complete(token):
        try:
            return mfa.complete_challenge(token=token, code=code_at(NOW), now=NOW)
        except NotAuthenticated:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        users = [user for user in pool.map(complete, tokens) if user]

    assert len(users) == 1


def test_expired_challenges_are_purged(mfa_user):
    log_in()

    assert mfa.purge_challenges(now=NOW + timedelta(minutes=6)) == 1
    assert MfaChallenge.objects.count() == 0
