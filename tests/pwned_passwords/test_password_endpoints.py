"""Breached passwords are refused by every endpoint, and the check blocks nothing else."""

from __future__ import annotations

import pytest
from django.db import connection, connections

from accounts.models import User
from accounts.tests.admin import user_change_url, user_form_data
from accounts.tests.factories import UserFactory
from accounts.tests.fixtures import reauthenticated_browser
from core.testing.database_state import table_digests
from tests.architecture.test_completeness import ROOT, source_files
from tests.pwned_passwords.password_endpoints import (
    PASSWORD_ENDPOINTS,
    USER_DATA,
    api_register,
    page_register,
)

PASSWORD = "the kettle sings at four"
OPEN_TRANSACTIONS_SQL = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
"""
every_endpoint = pytest.mark.parametrize("endpoint", PASSWORD_ENDPOINTS, ids=lambda endpoint: endpoint.__name__)
registration_endpoint = pytest.mark.parametrize(
    "endpoint", [api_register, page_register], ids=lambda endpoint: endpoint.__name__
)


@every_endpoint
def test_breached_password_is_refused_by_every_endpoint(endpoint, range_server, db):
    range_server.add_password(PASSWORD)
    set_password, before = endpoint(), table_digests()

    result = set_password(PASSWORD)

    assert result.field == "password"
    assert "known from a breach" in result.message
    assert PASSWORD not in result.message
    assert table_digests() == before


@every_endpoint
def test_safe_password_is_checked_once_outside_transactions(endpoint, range_server, transactional_db):
    transactions, connection_of_request = [], connections["default"]

    def count_transactions():
        """Count open transactions while the range server handles the request, in its thread."""
        with connection.cursor() as cursor:
            cursor.execute(OPEN_TRANSACTIONS_SQL)
            transactions.append((cursor.fetchone()[0], connection_of_request.in_atomic_block))
        connection.close()

    set_password, range_server.on_request = endpoint(), count_transactions

    result = set_password(PASSWORD)

    assert result == ("", "")
    assert User.objects.get(email=USER_DATA["email"]).check_password(PASSWORD)
    assert transactions == [(0, False)]


@every_endpoint
def test_breach_check_is_off_without_a_url(endpoint, range_server, settings, db):
    settings.PWNED_PASSWORDS_URL = ""
    range_server.add_password(PASSWORD)

    result = endpoint()(PASSWORD)

    assert result == ("", "")
    assert range_server.requests == []


@registration_endpoint
def test_known_email_is_checked_like_an_unknown_one(endpoint, range_server, settings, db):
    settings.REQUIRE_VERIFIED_EMAIL = True
    set_password = endpoint()

    for _ in range(2):
        set_password(PASSWORD)

    assert User.objects.filter(email=USER_DATA["email"]).count() == 1
    assert len(range_server.requests) == 2
    assert len(set(range_server.requests)) == 1


@registration_endpoint
def test_known_email_is_refused_like_an_unknown_one(endpoint, range_server, settings, db):
    settings.REQUIRE_VERIFIED_EMAIL = True
    range_server.add_password(PASSWORD)
    unknown = endpoint()(PASSWORD)
    UserFactory(**USER_DATA)
    before = table_digests()

    known = endpoint()(PASSWORD)

    assert known == unknown
    assert known.field == "password"
    assert table_digests() == before


def test_unchanged_password_is_not_checked(range_server, admin, alice):
    response = reauthenticated_browser(admin).post(
        user_change_url(alice), user_form_data(alice, name="Alice Able", password="")
    )

    alice.refresh_from_db()
    assert (response.status_code, alice.name) == (302, "Alice Able")
    assert range_server.requests == []


def test_breach_result_is_not_cached_between_requests(range_server, db):
    range_server.add_password(PASSWORD)
    set_password = api_register()

    refused = set_password(PASSWORD)
    range_server.counts.clear()
    accepted = set_password(PASSWORD)

    assert (refused.field, accepted.field) == ("password", "")
    assert len(range_server.requests) == 2


def test_passwords_are_set_in_known_modules_only():
    calls = {path.relative_to(ROOT).as_posix() for path in source_files() if ".set_password(" in path.read_text()}

    assert calls == {
        "accounts/admin/users.py",
        "accounts/users/administration.py",
        "accounts/auth/passwords/services.py",
        "accounts/users/services.py",
        "demo/loader.py",
    }
