"""Registering, signing in, and what both refuse."""

from __future__ import annotations

import pytest
from django.conf import settings as live
from django.core.cache import caches

from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, UserFactory
from core import redis
from core.testing.database_state import table_digests

REGISTER, LOGIN = "/api/v1/auth/register/", "/api/v1/auth/login/"
NEW = {"email": "Dana@Example.COM", "name": "Dana Scully", "password": PASSWORD}

pytestmark = pytest.mark.django_db


def test_registering_answers_with_tokens_that_work(clients, outbox):
    answer = clients["anonymous"].post(REGISTER, NEW)

    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
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
        "week_start": "monday",
        "theme": "system",
        "density": "comfortable",
        "shortcuts": True,
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


def test_a_password_is_kept_as_a_hash_alone(clients, outbox):
    clients["anonymous"].post(REGISTER, NEW)

    user = User.objects.get()
    assert PASSWORD not in user.password
    assert user.check_password(PASSWORD)
    assert PASSWORD not in str(outbox.payloads("user.registered"))


def test_passwords_are_hashed_with_argon2_outside_the_tests():
    from config.settings import base  # noqa: TID251 -- the test settings say otherwise

    assert base.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_too_short"),
        ("password123", "password_too_common"),
        ("48151623421337", "password_entirely_numeric"),
        ("dana@example.com", "password_too_similar"),
    ],
)
def test_a_weak_password_is_refused_by_name(password, code, clients):
    before = table_digests()

    answer = clients["anonymous"].post(REGISTER, {**NEW, "password": password})

    assert answer.status_code == 400
    assert ("password", code) in {(error["field"], error["code"]) for error in answer.json()["errors"]}
    assert table_digests() == before


def test_an_address_is_taken_whatever_its_case(clients):
    UserFactory(email="dana@example.com")
    before = table_digests()

    answer = clients["anonymous"].post(REGISTER, NEW)

    assert answer.status_code == 400
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [("email", "taken")]
    assert table_digests() == before


@pytest.mark.parametrize(
    ("email", "handle"),
    [
        ("d.s@example.com", "d.s"),
        ("_dana+x@example.com", "danax"),
        ("o'neill@example.com", "oneill"),
        ("+++@example.com", "user"),
    ],
)
def test_a_handle_is_made_of_what_can_be_mentioned(email, handle, clients):
    answer = clients["anonymous"].post(REGISTER, {**NEW, "email": email})

    assert answer.status_code == 201, answer.content
    assert answer.json()["user"]["handle"] == handle


@pytest.mark.parametrize("email", ["alice@example.com", "ALICE@EXAMPLE.COM", "  Alice@Example.com "])
def test_sign_in_is_by_address_in_any_case(email, clients, alice):
    answer = clients["anonymous"].post(LOGIN, {"email": email, "password": PASSWORD}, headers={"User-Agent": "curl/8"})

    assert answer.status_code == 200
    session = Session.objects.get()
    assert (session.user, session.user_agent, session.ip_address) == (alice, "curl/8", "127.0.0.1")


def test_a_wrong_address_and_a_wrong_password_look_the_same(clients, alice, outbox):
    UserFactory(email="gone@example.com", is_active=False)
    tries = [("alice@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("gone@example.com", PASSWORD)]
    before = table_digests()

    answers = [clients["anonymous"].post(LOGIN, {"email": email, "password": word}) for email, word in tries]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer["WWW-Authenticate"] for answer in answers} == {'Bearer realm="api"'}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["code"] == "wrong_credentials"
    after = table_digests()
    assert {table for table in after if after[table] != before[table]} == {"events_event"}
    assert outbox.names() == ["user.login_failed"] * 3


@pytest.mark.usefixtures("clock")
def test_the_eleventh_try_on_one_account_is_too_many_even_with_the_right_password(clients, alice):
    anonymous = clients["anonymous"]
    wrong = [anonymous.post(LOGIN, {"email": "alice@example.com", "password": "no"}).status_code for _ in range(10)]

    answer = anonymous.post(LOGIN, {"email": "Alice@example.com", "password": PASSWORD})

    assert set(wrong) == {401}
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(answer["Retry-After"]) <= 300
    assert answer["Content-Type"] == "application/problem+json"
    assert not Session.objects.exists()


@pytest.mark.usefixtures("clock")
def test_many_accounts_from_one_address_are_too_many(clients, settings):
    settings.LOGIN_RATE_PER_ADDRESS = "3/m"

    found = [
        clients["anonymous"].post(LOGIN, {"email": f"p{n}@example.com", "password": "x"}).status_code for n in range(4)
    ]
    elsewhere = clients["anonymous"].post(LOGIN, {"email": "p@example.com", "password": "x"}, REMOTE_ADDR="192.0.2.9")

    assert found == [401, 401, 401, 429]
    assert elsewhere.status_code == 401


@pytest.mark.usefixtures("clock")
def test_a_caller_does_not_get_a_new_address_by_saying_so(clients, settings):
    settings.LOGIN_RATE_PER_ADDRESS = "2/m"

    found = [
        clients["anonymous"]
        .post(LOGIN, {"email": f"p{n}@example.com", "password": "x"}, headers={"X-Forwarded-For": f"192.0.2.{n}"})
        .status_code
        for n in range(3)
    ]

    assert found == [401, 401, 429]


@pytest.mark.usefixtures("clock")
def test_registration_has_its_own_limit(clients, settings):
    settings.REGISTER_RATE = "1/h"

    first = clients["anonymous"].post(REGISTER, NEW)
    second = clients["anonymous"].post(REGISTER, {**NEW, "email": "other@example.com"})

    assert (first.status_code, second.status_code) == (201, 429)
    assert User.objects.count() == 1


@pytest.fixture
def _redis_is_gone(settings):
    gone = {**live.CACHES, "default": {**live.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    settings.CACHES = gone
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis.client.cache_clear()
    yield
    caches.close_all()
    redis.client.cache_clear()


@pytest.mark.usefixtures("_redis_is_gone")
def test_without_redis_everything_still_answers(clients, alice, project):
    login = clients["anonymous"].post(LOGIN, {"email": "alice@example.com", "password": PASSWORD})
    made = clients["alice"].post("/api/v1/tasks/", {"title": "New", "project": "OPS"})
    paths = ("me/", "tasks/", "tasks/stats/", "projects/", "notifications/", "analytics/overview/")

    found = {path: clients["alice"].get(f"/api/v1/{path}").status_code for path in paths}

    assert (login.status_code, made.status_code) == (200, 201)
    assert found == dict.fromkeys(paths, 200)
    assert clients["alice"].get("/api/v1/tasks/stats/").json()["total"] == 1
