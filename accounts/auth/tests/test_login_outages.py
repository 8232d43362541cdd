"""Sign-ins that meet an outage are answered 503 and are no attempts: they spend nothing of the account's limits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.auth import login as login_pipeline
from accounts.auth.sessions import services as sessions
from accounts.auth.tests.test_login_throttling import api_login, api_login_with_code, page_login
from accounts.models import Session
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import ApiClient
from accounts.tests.mfa import code_at, with_totp
from core import redis
from core.testing.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
OUTAGES = 14


@pytest.fixture
def outage(monkeypatch):
    """Break one function with the error of a lost connection; return how to repair it."""

    def fail(*_args, **_kwargs):
        raise OperationalError("the connection is lost")

    def break_function(module, name):
        with_outage = pytest.MonkeyPatch()
        with_outage.setattr(module, name, fail)
        monkeypatch.callbacks = [*getattr(monkeypatch, "callbacks", []), with_outage.undo]
        return with_outage.undo

    yield break_function
    for undo in getattr(monkeypatch, "callbacks", []):
        undo()


def spent():
    """Return the counters of uses and failures in Redis that are not zero."""
    names = [*redis.client().scan_iter("taskflow:uses:*"), *redis.client().scan_iter("taskflow:failures:*")]
    return [name for name in names if redis.client().get(name) != "0"]


def test_outages_spend_no_attempts_of_the_password(clients, alice, outage):
    repair = outage(sessions, "open_session")

    codes = [api_login(clients, PASSWORD).status_code for _ in range(OUTAGES)]

    assert codes == [503] * OUTAGES
    assert spent() == []
    repair()
    assert api_login(clients, PASSWORD).status_code == 200
    assert Session.objects.count() == 1


def test_outages_spend_no_attempts_on_the_page(clients, alice, outage):
    repair = outage(sessions, "open_session")

    codes = [page_login(Client(raise_request_exception=False), PASSWORD).status_code for _ in range(OUTAGES)]

    assert codes == [503] * OUTAGES
    assert spent() == []
    repair()
    assert page_login(Client(), PASSWORD).status_code == 302


def test_outages_count_no_wrong_passwords(clients, alice, outage):
    repair = outage(login_pipeline, "publish")

    codes = [api_login(clients, "wrong").status_code for _ in range(OUTAGES)]

    assert codes == [503] * OUTAGES
    assert spent() == []
    repair()
    assert [api_login(clients, "wrong").status_code for _ in range(11)] == [401] * 10 + [429]


def test_outages_spend_no_attempts_of_the_code(clients, alice, outage):
    with_totp(alice)
    challenges = [api_login(clients, PASSWORD, address=f"198.51.100.{n}").json()["challenge"] for n in range(3)]
    redis.client().flushdb()
    repair = outage(login_pipeline.mfa, "verify_code")
    data = {"challenge": challenges[0], "code": code_at(NOW)}

    codes = [ApiClient().post("/api/v1/auth/mfa/", data).status_code for _ in range(OUTAGES)]

    assert codes == [503] * OUTAGES
    assert spent() == []
    repair()
    assert ApiClient().post("/api/v1/auth/mfa/", data).status_code == 200
    assert api_login_with_code(clients, code_at(NOW + timedelta(seconds=30))).status_code == 200


def test_outages_spend_no_resets_registrations_or_changes(clients, alice, outage, settings):
    settings.EMAIL_LINK_RATE = settings.REGISTER_RATE = "3/h"
    anonymous, reset = ApiClient(), "/api/v1/auth/password-reset/"
    repair = outage(login_pipeline.users, "create_user")
    undo_emails = outage(login_pipeline.email_addresses.account_emails, "enqueue")
    data = {"email": "new@example.com", "name": "New", "password": "a wider river turns"}

    codes = [anonymous.post("/api/v1/auth/register/", data).status_code for _ in range(5)]
    codes += [anonymous.post(reset, {"email": alice.email}).status_code for _ in range(5)]

    assert codes == [503] * 10
    assert spent() == []
    repair()
    undo_emails()
    assert anonymous.post("/api/v1/auth/register/", data).status_code == 201
    assert [anonymous.post(reset, {"email": alice.email}).status_code for _ in range(4)] == [202] * 3 + [429]


def test_sign_in_without_redis_spends_a_share_and_works(clients, alice, unreachable_redis):
    assert [api_login(clients, PASSWORD).status_code for _ in range(3)] == [200] * 3
