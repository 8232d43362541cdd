"""Registration and login through the API."""

from __future__ import annotations

import pytest

from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, UserFactory
from core.testing.database_state import table_digests

REGISTER, LOGIN = "/api/v1/auth/register/", "/api/v1/auth/login/"
NEW = {"email": "Dana@Example.COM", "name": "Dana Scully", "password": PASSWORD}

pytestmark = pytest.mark.django_db


def test_registration_returns_working_tokens(clients, outbox):
    response = clients["anonymous"].post(REGISTER, NEW)

    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert set(body) == {"access", "refresh", "user"}
    user = User.objects.get()
    assert body["user"] == {
        "id": str(user.pk),
        "email": "dana@example.com",
        "name": "Dana Scully",
        "handle": "dana",
        "role": "user",
        "tier": "free",
        "time_zone": "UTC",
        "language": "en",
        "reminder_time": "09:00",
        "week_start": "monday",
        "theme": "system",
        "density": "comfortable",
        "shortcuts": True,
        "home": "overview",
        "list_columns": [],
        "avatar_url": None,
        "version": 1,
        "created_at": body["user"]["created_at"],
    }
    me = clients["anonymous"].get("/api/v1/me/", headers={"Authorization": f"Bearer {body['access']}"})
    assert me.json() == body["user"]
    assert outbox.only("user.registered") == {
        "user": {"id": str(user.pk), "name": "Dana Scully", "email": "dana@example.com", "handle": "dana"},
        "actor": {"id": str(user.pk), "name": "Dana Scully"},
    }


def test_password_is_stored_as_a_hash_only(clients, outbox):
    clients["anonymous"].post(REGISTER, NEW)

    user = User.objects.get()
    assert PASSWORD not in user.password
    assert user.check_password(PASSWORD)
    assert PASSWORD not in str(outbox.payloads("user.registered"))


def test_passwords_are_hashed_with_argon2_outside_the_tests():
    from config.settings import base  # noqa: TID251 -- the test settings use a faster hasher

    assert base.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")


def test_weak_password_is_rejected_with_its_code(clients):
    weak_passwords = {
        "short": "password_too_short",
        "password123": "password_too_common",
        "48151623421337": "password_entirely_numeric",
        "dana@example.com": "password_too_similar",
    }
    before = table_digests()

    for password, code in weak_passwords.items():
        response = clients["anonymous"].post(REGISTER, {**NEW, "password": password})

        assert response.status_code == 400, password
        assert ("password", code) in {(error["field"], error["code"]) for error in response.json()["errors"]}
    assert table_digests() == before


def test_taken_email_is_rejected_in_any_case(clients):
    UserFactory(email="dana@example.com")
    before = table_digests()

    response = clients["anonymous"].post(REGISTER, NEW)

    assert response.status_code == 400
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [("email", "taken")]
    assert table_digests() == before


def test_registration_derives_the_handle_from_the_email(clients):
    handles = {
        "d.s@example.com": "d.s",
        "_dana+x@example.com": "danax",
        "o'neill@example.com": "oneill",
        "+++@example.com": "user",
    }

    for email, handle in handles.items():
        response = clients["anonymous"].post(REGISTER, {**NEW, "email": email})

        assert response.status_code == 201, response.content
        assert response.json()["user"]["handle"] == handle


def test_login_accepts_the_email_in_any_case(clients, alice):
    for email in ("alice@example.com", "ALICE@EXAMPLE.COM", "  Alice@Example.com "):
        response = clients["anonymous"].post(
            LOGIN, {"email": email, "password": PASSWORD}, headers={"User-Agent": "curl/8"}
        )

        assert response.status_code == 200, email
    sessions = set(Session.objects.values_list("user", "user_agent", "ip_address"))
    assert sessions == {(alice.pk, "curl/8", "127.0.0.1")}
    assert Session.objects.count() == 3


def test_login_failures_look_the_same_for_every_cause(clients, alice, outbox):
    UserFactory(email="gone@example.com", is_active=False)
    attempts = [("alice@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("gone@example.com", PASSWORD)]
    before = table_digests()

    responses = [
        clients["anonymous"].post(LOGIN, {"email": email, "password": password}) for email, password in attempts
    ]

    assert {response.status_code for response in responses} == {401}
    assert {response["WWW-Authenticate"] for response in responses} == {'Bearer realm="api"'}
    assert len({response.content for response in responses}) == 1
    assert responses[0].json()["code"] == "wrong_credentials"
    after = table_digests()
    assert {table for table in after if after[table] != before[table]} == {"events_event"}
    assert outbox.names() == ["user.login_failed"] * 3


@pytest.mark.usefixtures("clock")
def test_eleventh_login_attempt_on_an_account_is_rate_limited(clients, alice):
    anonymous = clients["anonymous"]
    wrong = [anonymous.post(LOGIN, {"email": "alice@example.com", "password": "no"}).status_code for _ in range(10)]

    response = anonymous.post(LOGIN, {"email": "Alice@example.com", "password": PASSWORD})

    assert set(wrong) == {401}
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(response["Retry-After"]) <= 300
    assert response["Content-Type"] == "application/problem+json"
    assert not Session.objects.exists()


@pytest.mark.usefixtures("clock")
def test_many_accounts_from_one_address_are_rate_limited(clients, settings):
    settings.LOGIN_RATE_PER_ADDRESS = "3/m"

    codes = [
        clients["anonymous"].post(LOGIN, {"email": f"p{n}@example.com", "password": "x"}).status_code for n in range(4)
    ]
    elsewhere = clients["anonymous"].post(LOGIN, {"email": "p@example.com", "password": "x"}, REMOTE_ADDR="192.0.2.9")

    assert codes == [401, 401, 401, 429]
    assert elsewhere.status_code == 401


@pytest.mark.usefixtures("clock")
def test_forwarded_for_header_does_not_change_the_address(clients, settings):
    settings.LOGIN_RATE_PER_ADDRESS = "2/m"

    codes = [
        clients["anonymous"]
        .post(LOGIN, {"email": f"p{n}@example.com", "password": "x"}, headers={"X-Forwarded-For": f"192.0.2.{n}"})
        .status_code
        for n in range(3)
    ]

    assert codes == [401, 401, 429]


@pytest.mark.usefixtures("clock")
def test_registration_has_its_own_limit(clients, settings):
    settings.REGISTER_RATE = "1/h"

    first = clients["anonymous"].post(REGISTER, NEW)
    second = clients["anonymous"].post(REGISTER, {**NEW, "email": "other@example.com"})

    assert (first.status_code, second.status_code) == (201, 429)
    assert User.objects.count() == 1


@pytest.mark.usefixtures("unreachable_redis")
def test_api_without_redis_still_works(clients, alice, project):
    login = clients["anonymous"].post(LOGIN, {"email": "alice@example.com", "password": PASSWORD})
    created = clients["alice"].post("/api/v1/tasks/", {"title": "New", "project": "OPS"})
    paths = ("me/", "tasks/", "tasks/stats/", "projects/", "notifications/", "analytics/overview/")

    codes = {path: clients["alice"].get(f"/api/v1/{path}").status_code for path in paths}

    assert (login.status_code, created.status_code) == (200, 201)
    assert codes == dict.fromkeys(paths, 200)
    assert clients["alice"].get("/api/v1/tasks/stats/").json()["total"] == 1
