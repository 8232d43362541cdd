"""POST /api/v1/auth/reauthenticate/: a stolen access token alone gains no lasting access."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.auth import reauthentication
from accounts.auth.mfa import services as mfa
from accounts.auth.sessions import services as sessions
from accounts.auth.sessions.services import issue_tokens
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
KEYS, REAUTHENTICATE, REFRESH = "/api/v1/api-keys/", "/api/v1/auth/reauthenticate/", "/api/v1/auth/refresh/"
KEY_DATA = {"name": "Program", "scopes": ["tasks:read"]}
HOUR = timedelta(hours=1)


def api_client(user, **headers):
    """Return an API client that signed in an hour ago."""
    session = SessionFactory(user=user, created_at=NOW - HOUR)
    return ApiClient(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(session).access}", **headers)


def create_key(client, **meta):
    return client.post(KEYS, KEY_DATA, **meta)


def reauthenticate(client, **data):
    return client.post(REAUTHENTICATE, data)


def assert_error(response, status=403, code="reauthentication_required"):
    assert (response.status_code, response.json()["code"], response["Content-Type"]) == (
        status,
        code,
        "application/problem+json",
    )
    return response.json()["detail"]


def assert_invalid(response, field, code="wrong"):
    assert_error(response, 400, "invalid")
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, code)]


def test_login_counts_as_reauthentication_for_five_minutes(alice, clock):
    client = ApiClient()
    data = {"email": alice.email, "password": PASSWORD}
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {client.post('/api/v1/auth/login/', data).json()['access']}")

    clock.move_to(NOW + timedelta(seconds=299))
    first = create_key(client)
    clock.move_to(NOW + timedelta(seconds=300))
    second = create_key(client)

    assert first.status_code == 201
    assert_error(second)
    assert ApiKey.objects.count() == 1


def test_api_key_creation_requires_reauthentication(alice):
    client = api_client(alice)
    before = table_digests()

    detail = assert_error(create_key(client))

    assert detail == f"Confirm it's you. Send your password to {REAUTHENTICATE}, then repeat this request."
    assert table_digests() == before


def test_password_reauthenticates_for_five_minutes(alice, clock):
    client = api_client(alice)

    response = reauthenticate(client, password=PASSWORD)
    created = create_key(client)
    clock.move_to(NOW + timedelta(minutes=5))
    late = create_key(client)

    assert (response.status_code, response.json()) == (200, {"valid_until": "2026-03-02T09:05:00Z"})
    assert created.status_code == 201
    assert_error(late)
    assert ApiKey.objects.count() == 1


def test_wrong_password_does_not_reauthenticate_and_is_logged(alice, outbox):
    client = api_client(alice)

    assert_invalid(reauthenticate(client, password="not the password"), "password")

    assert Session.objects.get().reauthenticated_at is None
    assert outbox.names() == ["user.login_failed"]
    assert_error(create_key(client))
    assert client.get("/api/v1/me/").status_code == 200


def test_reauthentication_ignores_the_idempotency_key(alice, outbox):
    client = api_client(alice, HTTP_IDEMPOTENCY_KEY="once")

    responses = [
        reauthenticate(client, password=password) for password in ("not the password", PASSWORD, "not the password")
    ]

    assert [response.status_code for response in responses] == [400, 200, 400]
    assert outbox.names() == ["user.login_failed"] * 2


def test_reauthentication_is_limited_to_ten_failures(alice, outbox):
    client = api_client(alice)

    codes = [reauthenticate(client, password=f"guess number {number}").status_code for number in range(11)]
    response = reauthenticate(client, password=PASSWORD)

    assert codes == [400] * 10 + [429]
    assert (response.status_code, int(response["Retry-After"]) > 0) == (429, True)
    assert outbox.names() == ["user.login_failed"] * 10
    assert Session.objects.get().reauthenticated_at is None


def test_deletion_password_attempts_are_limited(alice, outbox):
    client = api_client(alice)

    codes = [client.post("/api/v1/me/deletion/", {"confirmation": f"guess {n}"}).status_code for n in range(11)]

    assert codes == [400] * 10 + [429]
    assert outbox.names() == ["user.login_failed"] * 10
    assert User.objects.get().is_active


def test_reauthentication_without_mfa_takes_the_password_only(alice):
    client = api_client(alice)
    before = table_digests()

    for data in ({}, {"password": PASSWORD, "code": "123456"}, {"code": "123456"}):
        assert_invalid(reauthenticate(client, **data), "password", "required")

    assert table_digests() == before


def test_reauthentication_with_mfa_does_not_take_the_password(alice):
    client = api_client(with_totp(alice))
    before = table_digests()

    for data in ({"password": PASSWORD}, {"password": PASSWORD, "code": "123456"}, {}):
        assert_invalid(reauthenticate(client, **data), "code", "required")

    assert table_digests() == before
    assert assert_error(create_key(client)).startswith("Confirm it's you. Send a code of your authenticator app")


def test_totp_code_reauthenticates_once(alice):
    first, second = api_client(with_totp(alice)), api_client(alice)

    accepted, replayed = reauthenticate(first, code=code_at(NOW)), reauthenticate(second, code=code_at(NOW))

    assert accepted.status_code == 200
    assert_invalid(replayed, "code")
    assert create_key(first).status_code == 201
    assert_error(create_key(second))


def test_recovery_code_reauthenticates_and_is_used_up(alice):
    code = recovery_codes(with_totp(alice))[0]
    client = api_client(alice)

    assert reauthenticate(client, code=code).status_code == 200
    assert code not in recovery_codes(alice)
    assert create_key(client).status_code == 201


def test_wrong_codes_count_towards_the_login_limit(alice, outbox):
    client = api_client(with_totp(alice))

    codes = [reauthenticate(client, code="000000").status_code for _ in range(11)]

    assert codes == [400] * 10 + [429]
    assert outbox.names() == ["user.login_failed"] * 10
    challenge = mfa.create_challenge(user=alice, methods=["code"], now=NOW)
    data = {"challenge": challenge.token, "code": code_at(NOW)}
    assert ApiClient().post("/api/v1/auth/mfa/", data).status_code == 429


def test_token_refresh_is_no_reauthentication(alice, clock):
    pair = issue_tokens(SessionFactory(user=alice, created_at=NOW - HOUR, last_seen_at=NOW))

    access = ApiClient().post(REFRESH, {"refresh": pair.refresh}).json()["access"]

    assert_error(create_key(ApiClient(HTTP_AUTHORIZATION=f"Bearer {access}")))
    assert not ApiKey.objects.exists()


def test_reauthentication_counts_for_its_own_session_only(alice):
    client, other = api_client(alice), api_client(alice)

    reauthenticate(client, password=PASSWORD)

    assert_error(create_key(other))
    assert create_key(client).status_code == 201


def test_reauthentication_counts_where_the_session_is_cached(alice):
    """As on another node, whose process cached the session before the reauthentication."""
    client, headers = api_client(alice), {GLOBAL_GENERATION_KEY: "7"}
    assert client.get("/api/v1/me/", **headers).status_code == 200
    assert_error(create_key(client, **headers))

    reauthentication.reauthenticate(session_id=Session.objects.get().pk, credentials={"password": PASSWORD}, now=NOW)

    assert create_key(client, **headers).status_code == 201


@pytest.mark.parametrize("add_method", [None, with_passkey])
def test_user_without_password_or_codes_must_sign_in_again(add_method, alice):
    User.objects.update(password="!")
    if add_method:
        add_method(alice)
    client = api_client(alice)
    before = table_digests()

    key_detail, detail = assert_error(create_key(client)), assert_error(reauthenticate(client, password=PASSWORD))

    assert key_detail == "Confirm it's you. Sign in again, and repeat this request with the new token."
    assert detail.endswith("Sign in again, and repeat this request with the new token.")
    assert table_digests() == before
    session = SessionFactory(user=alice, created_at=NOW)
    assert create_key(ApiClient(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(session).access}")).status_code == 201


def test_deletion_without_a_password_needs_a_recent_login(alice, outbox):
    User.objects.update(password="!")
    data = {"confirmation": alice.email}

    assert_error(api_client(alice).post("/api/v1/me/deletion/", data))

    assert (User.objects.get().is_active, outbox.names()) == (True, [])


def test_api_key_cannot_reauthenticate(alice):
    key = create_api_key(alice).text
    before = table_digests()

    assert_error(reauthenticate(api_key_client(key), password=PASSWORD), code="not_for_keys")

    assert table_digests() == before


def test_revoked_session_cannot_reauthenticate(alice):
    session = SessionFactory(user=alice, created_at=NOW - HOUR)
    sessions.revoke_session(actor=alice, session_id=session.pk, now=NOW)

    with pytest.raises(NotAuthenticated):
        reauthentication.reauthenticate(session_id=session.pk, credentials={"password": PASSWORD}, now=NOW)

    assert Session.objects.get().reauthenticated_at is None


@pytest.mark.django_db(transaction=True)
def test_concurrent_use_of_one_code_reauthenticates_once(alice):
    with_totp(alice)
    clients = [api_client(alice), api_client(alice)]

    outcomes = run_concurrently(
        [lambda client=client: reauthenticate(client, code=code_at(NOW)).status_code for client in clients]
    )

    assert sorted(outcomes) == [200, 400]
    assert Session.objects.exclude(reauthenticated_at=None).count() == 1
    assert Event.objects.filter(name="user.login_failed").count() == 1
