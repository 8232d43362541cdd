"""POST /api/v1/auth/login/ and /second-factor/: a password alone does not open what has a second factor."""

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
def careful(alice):
    return with_totp(alice)


def log_in(email="alice@example.com", password=PASSWORD):
    return ApiClient().post(LOGIN, {"email": email, "password": password})


def finish(challenge, code):
    return ApiClient().post(FINISH, {"challenge": challenge, "code": code})


def test_the_right_password_of_somebody_with_an_app_opens_nothing_yet(careful):
    answer = log_in()

    body = answer.json()
    assert (answer.status_code, body["code"]) == (401, "mfa_required")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    assert (body["methods"], body["expires_in"]) == (["code", "recovery_code"], 300)
    assert not {"access", "refresh"} & set(body)
    assert Session.objects.count() == 0


def test_a_wrong_password_tells_nothing_of_a_second_factor(careful):
    answer = log_in(password="wrong")

    assert answer.json()["code"] == "wrong_credentials"
    assert MfaChallenge.objects.count() == 0


def test_a_person_without_a_second_factor_comes_in_at_once(alice):
    assert log_in().status_code == 200


def test_a_passkey_is_named_among_the_factors(careful):
    with_passkey(careful)

    assert log_in().json()["methods"] == ["code", "recovery_code", "passkey"]


def test_a_code_of_the_app_finishes_it(careful):
    answer = finish(log_in().json()["challenge"], code_at(NOW))

    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh", "user"}
    assert Session.objects.get().user == careful
    me = ApiClient(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}").get("/api/v1/me/")
    assert me.json()["email"] == "alice@example.com"


def test_a_recovery_code_finishes_it_once(careful):
    code = recovery_codes(careful)[0]

    codes = [finish(log_in().json()["challenge"], code).status_code for _ in range(2)]

    assert codes == [200, 401]
    assert len(recovery_codes(careful)) == 9
    assert Session.objects.count() == 1


@pytest.mark.parametrize("minutes", [-90, 90])
def test_a_code_of_another_minute_finishes_nothing(minutes, careful):
    answer = finish(log_in().json()["challenge"], code_at(NOW + timedelta(seconds=minutes)))

    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_code")
    assert Session.objects.count() == 0


def test_a_code_is_taken_once_though_it_is_good_for_a_while(careful, clock):
    first = finish(log_in().json()["challenge"], code_at(NOW))
    clock.move_to(NOW + timedelta(seconds=25))

    again = finish(log_in().json()["challenge"], code_at(NOW))

    assert (first.status_code, again.status_code) == (200, 401)
    assert Session.objects.count() == 1


def test_a_challenge_is_answered_once(careful, clock):
    challenge = log_in().json()["challenge"]
    first = finish(challenge, code_at(NOW))
    clock.move_to(NOW + timedelta(seconds=60))

    again = finish(challenge, code_at(NOW + timedelta(seconds=60)))

    assert (first.status_code, again.json()["code"]) == (200, "challenge_not_valid")
    assert Session.objects.count() == 1


def test_a_challenge_is_over_after_five_minutes(careful, clock):
    challenge = log_in().json()["challenge"]
    clock.move_to(NOW + timedelta(minutes=5))

    answer = finish(challenge, code_at(NOW + timedelta(minutes=5)))

    assert answer.json()["code"] == "challenge_not_valid"
    assert Session.objects.count() == 0


def test_a_challenge_is_over_after_five_wrong_codes(careful, settings):
    settings.MFA_RATE = "1000/m"
    challenge = log_in().json()["challenge"]
    wrong = [finish(challenge, "000000").json()["code"] for _ in range(5)]

    answer = finish(challenge, code_at(NOW))

    assert wrong == ["wrong_code"] * 5
    assert answer.json()["code"] == "challenge_not_valid"
    assert Session.objects.count() == 0


def test_another_password_ends_the_challenge(careful):
    challenge = log_in().json()["challenge"]
    passwords.change_password(user=User.objects.get(), password="another quiet river", now=NOW)

    answer = finish(challenge, code_at(NOW))

    assert answer.json()["code"] == "challenge_not_valid"
    assert Session.objects.count() == 0


def test_a_person_who_is_switched_off_meanwhile_stays_out(careful):
    challenge = log_in().json()["challenge"]
    User.objects.update(is_active=False)

    answer = finish(challenge, code_at(NOW))

    assert answer.json()["code"] == "challenge_not_valid"
    assert Session.objects.count() == 0


def test_a_challenge_is_no_token(careful):
    challenge = log_in().json()["challenge"]

    assert ApiClient(HTTP_AUTHORIZATION=f"Bearer {challenge}").get("/api/v1/me/").status_code == 401


def test_codes_are_counted_for_the_account_whatever_the_challenge(careful, settings):
    settings.MFA_RATE = "3/5m"

    codes = [finish(log_in().json()["challenge"], "000000").status_code for _ in range(3)]
    answer = finish(log_in().json()["challenge"], code_at(NOW))

    assert codes == [401, 401, 401]
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert Session.objects.count() == 0


def test_a_wrong_code_stands_in_the_log(careful, outbox):
    challenge = log_in().json()["challenge"]

    finish(challenge, "000000")

    assert outbox.names()[-1] == "user.login_failed"


def test_neither_the_token_nor_the_secret_of_the_app_can_be_read_in_the_database(careful):
    challenge = log_in().json()["challenge"]

    with connection.cursor() as cursor:
        cursor.execute("SELECT c::text FROM accounts_mfachallenge c UNION ALL SELECT a::text FROM mfa_authenticator a")
        rows = " ".join(row[0] for row in cursor.fetchall())
    assert challenge not in rows
    assert "JBSWY3DP" not in rows


@pytest.mark.parametrize(
    "body", [{}, {"challenge": "x"}, {"challenge": "x", "code": ""}, {"challenge": 1, "code": "1"}]
)
def test_what_means_nothing_is_refused(body, db):
    assert ApiClient().post(FINISH, body).status_code == 400


@pytest.mark.parametrize("challenge", ["nothing", "a" * 100])
def test_an_unknown_challenge_is_refused(challenge, db):
    assert finish(challenge, "000000").json()["code"] == "challenge_not_valid"


@pytest.mark.django_db(transaction=True)
def test_of_two_that_send_one_code_at_once_one_comes_in(careful):
    tokens = [log_in().json()["challenge"] for _ in range(4)]

    def answer(token):
        try:
            return mfa.complete_challenge(token=token, code=code_at(NOW), now=NOW)
        except NotAuthenticated:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        came_in = [user for user in pool.map(answer, tokens) if user]

    assert len(came_in) == 1


def test_ended_challenges_are_forgotten(careful):
    log_in()

    assert mfa.purge_challenges(now=NOW + timedelta(minutes=6)) == 1
    assert MfaChallenge.objects.count() == 0
