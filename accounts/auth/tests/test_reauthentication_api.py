"""POST /api/v1/auth/reauthenticate/: whoever holds a token but knows nothing gets no power that outlives it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.auth import reauthentication
from accounts.auth.mfa import services as mfa
from accounts.auth.sessions import services as sessions
from accounts.auth.tokens import issue_tokens
from accounts.models import ApiKey, Session, User
from accounts.tests.api_keys import api_key_client, create_api_key
from accounts.tests.factories import PASSWORD, SessionFactory
from accounts.tests.fixtures import ApiClient
from accounts.tests.mfa import code_at, recovery_codes, with_passkey, with_totp
from core.cache import GLOBAL_GENERATION_KEY
from core.errors import NotAuthenticated
from core.testing.clock import NOW
from core.testing.concurrency import run_concurrently
from core.testing.database_state import table_digests
from events.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
KEYS, PROOF, REFRESH = "/api/v1/api-keys/", "/api/v1/auth/reauthenticate/", "/api/v1/auth/refresh/"
WANTED = {"name": "Program", "scopes": ["tasks:read"]}
HOUR = timedelta(hours=1)


def program_of(user, **headers):
    """A program that was signed in an hour ago."""
    session = SessionFactory(user=user, created_at=NOW - HOUR)
    return ApiClient(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(session).access}", **headers)


def mint(program, **meta):
    return program.post(KEYS, WANTED, **meta)


def prove(program, **data):
    return program.post(PROOF, data)


def refused(response, status=403, code="reauthentication_required"):
    assert (response.status_code, response.json()["code"], response["Content-Type"]) == (
        status,
        code,
        "application/problem+json",
    )
    return response.json()["detail"]


def wrong(response, field, code="wrong"):
    refused(response, 400, "invalid")
    assert [(one["field"], one["code"]) for one in response.json()["errors"]] == [(field, code)]


def test_a_sign_in_is_a_proof_for_five_minutes(alice, clock):
    program = ApiClient()
    data = {"email": alice.email, "password": PASSWORD}
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {program.post('/api/v1/auth/login/', data).json()['access']}")

    clock.move_to(NOW + timedelta(seconds=299))
    first = mint(program)
    clock.move_to(NOW + timedelta(seconds=300))
    second = mint(program)

    assert first.status_code == 201
    refused(second)
    assert ApiKey.objects.count() == 1


def test_whoever_stole_a_token_makes_no_key_and_is_told_what_to_do(alice):
    program = program_of(alice)
    before = table_digests()

    detail = refused(mint(program))

    assert detail == f"Prove once more that it is you. Send your password to {PROOF}, then this once more."
    assert table_digests() == before


def test_the_password_proves_it_for_five_minutes(alice, clock):
    program = program_of(alice)

    proved = prove(program, password=PASSWORD)
    made = mint(program)
    clock.move_to(NOW + timedelta(minutes=5))
    late = mint(program)

    assert (proved.status_code, proved.json()) == (200, {"valid_until": "2026-03-02T09:05:00Z"})
    assert made.status_code == 201
    refused(late)
    assert ApiKey.objects.count() == 1


def test_a_wrong_password_proves_nothing_and_stands_in_the_log(alice, outbox):
    program = program_of(alice)

    wrong(prove(program, password="not the password"), "password")

    assert Session.objects.get().reauthenticated_at is None
    assert outbox.names() == ["user.login_failed"]
    refused(mint(program))
    assert program.get("/api/v1/me/").status_code == 200


def test_a_wrong_one_stands_in_the_log_whatever_the_program_says_of_sending_it_again(alice, outbox):
    program = program_of(alice, HTTP_IDEMPOTENCY_KEY="once")

    responses = [prove(program, password=one) for one in ("not the password", PASSWORD, "not the password")]

    assert [one.status_code for one in responses] == [400, 200, 400]
    assert outbox.names() == ["user.login_failed"] * 2


def test_ten_guesses_are_all_that_a_thief_has(alice, outbox):
    program = program_of(alice)

    codes = [prove(program, password=f"guess number {number}").status_code for number in range(11)]
    right = prove(program, password=PASSWORD)

    assert codes == [400] * 10 + [429]
    assert (right.status_code, int(right["Retry-After"]) > 0) == (429, True)
    assert outbox.names() == ["user.login_failed"] * 10
    assert Session.objects.get().reauthenticated_at is None


def test_who_leaves_is_asked_for_the_password_and_guesses_are_counted(alice, outbox):
    program = program_of(alice)

    codes = [program.post("/api/v1/me/deletion/", {"confirmation": f"guess {n}"}).status_code for n in range(11)]

    assert codes == [400] * 10 + [429]
    assert outbox.names() == ["user.login_failed"] * 10
    assert User.objects.get().is_active


@pytest.mark.parametrize("sent", [{}, {"password": PASSWORD, "code": "123456"}, {"code": "123456"}])
def test_who_has_no_second_factor_sends_the_password_alone(data, alice):
    program = program_of(alice)
    before = table_digests()

    wrong(prove(program, **data), "password", "required")

    assert table_digests() == before


@pytest.mark.parametrize("sent", [{"password": PASSWORD}, {"password": PASSWORD, "code": "123456"}, {}])
def test_where_there_is_a_second_factor_the_password_proves_nothing(data, alice):
    program = program_of(with_totp(alice))
    before = table_digests()

    wrong(prove(program, **data), "code", "required")

    assert table_digests() == before
    assert refused(mint(program)).startswith("Prove once more that it is you. Send a code of your authenticator app")


def test_a_code_of_the_app_proves_it_once(alice):
    first, second = program_of(with_totp(alice)), program_of(alice)

    proved, again = prove(first, code=code_at(NOW)), prove(second, code=code_at(NOW))

    assert proved.status_code == 200
    wrong(again, "code")
    assert mint(first).status_code == 201
    refused(mint(second))


def test_a_recovery_code_proves_it_and_is_used_up(alice):
    code = recovery_codes(with_totp(alice))[0]
    program = program_of(alice)

    assert prove(program, code=code).status_code == 200
    assert code not in recovery_codes(alice)
    assert mint(program).status_code == 201


def test_wrong_codes_are_counted_with_those_of_sign_ins(alice, outbox):
    program = program_of(with_totp(alice))

    codes = [prove(program, code="000000").status_code for _ in range(11)]

    assert codes == [400] * 10 + [429]
    assert outbox.names() == ["user.login_failed"] * 10
    challenge = mfa.create_challenge(user=alice, methods=["code"], now=NOW)
    data = {"challenge": challenge.token, "code": code_at(NOW)}
    assert ApiClient().post("/api/v1/auth/mfa/", data).status_code == 429


def test_a_new_token_is_no_proof(alice, clock):
    pair = issue_tokens(SessionFactory(user=alice, created_at=NOW - HOUR, last_seen_at=NOW))

    access = ApiClient().post(REFRESH, {"refresh": pair.refresh}).json()["access"]

    refused(mint(ApiClient(HTTP_AUTHORIZATION=f"Bearer {access}")))
    assert not ApiKey.objects.exists()


def test_a_proof_counts_for_the_session_it_was_given_in(alice):
    here, elsewhere = program_of(alice), program_of(alice)

    prove(here, password=PASSWORD)

    refused(mint(elsewhere))
    assert mint(here).status_code == 201


def test_a_proof_counts_at_once_where_the_session_is_remembered_from_before(alice):
    """As on another node: what this process remembers of the session was read before the proof."""
    program, remembered = program_of(alice), {GLOBAL_GENERATION_KEY: "7"}
    assert program.get("/api/v1/me/", **remembered).status_code == 200
    refused(mint(program, **remembered))

    reauthentication.reauthenticate(session_id=Session.objects.get().pk, credentials={"password": PASSWORD}, now=NOW)

    assert mint(program, **remembered).status_code == 201


@pytest.mark.parametrize("factor", [None, with_passkey])
def test_who_has_nothing_to_send_signs_in_again(factor, alice):
    User.objects.update(password="!")
    if factor:
        factor(alice)
    program = program_of(alice)
    before = table_digests()

    asked, tried = refused(mint(program)), refused(prove(program, password=PASSWORD))

    assert asked == "Prove once more that it is you. Sign in again, and send this with the new token."
    assert tried.endswith("Sign in again, and send this with the new token.")
    assert table_digests() == before
    session = SessionFactory(user=alice, created_at=NOW)
    assert mint(ApiClient(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(session).access}")).status_code == 201


def test_who_has_no_password_leaves_with_a_fresh_proof_only(alice, outbox):
    User.objects.update(password="!")
    data = {"confirmation": alice.email}

    refused(program_of(alice).post("/api/v1/me/deletion/", data))

    assert (User.objects.get().is_active, outbox.names()) == (True, [])


def test_no_key_proves_anything(alice):
    made = create_api_key(alice)
    before = table_digests()

    refused(prove(api_key_client(made.text), password=PASSWORD), code="not_for_keys")

    assert table_digests() == before


def test_a_session_that_has_ended_proves_nothing(alice):
    session = SessionFactory(user=alice, created_at=NOW - HOUR)
    sessions.revoke_session(actor=alice, session_id=session.pk, now=NOW)

    with pytest.raises(NotAuthenticated):
        reauthentication.reauthenticate(session_id=session.pk, credentials={"password": PASSWORD}, now=NOW)

    assert Session.objects.get().reauthenticated_at is None


@pytest.mark.django_db(transaction=True)
def test_of_two_sessions_that_send_one_code_at_once_one_has_proved_it(alice):
    with_totp(alice)
    programs = [program_of(alice), program_of(alice)]

    responses = run_concurrently([lambda one=one: prove(one, code=code_at(NOW)).status_code for one in programs])

    assert sorted(responses) == [200, 400]
    assert Session.objects.exclude(reauthenticated_at=None).count() == 1
    assert Event.objects.filter(name="user.login_failed").count() == 1
