"""A password known from a breach is refused wherever one is set; and asking about it holds up nothing else."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections

from accounts.auth.passwords.validators import BreachedPasswordValidator, breach_check
from accounts.models import User
from accounts.tests.factories import UserFactory
from accounts.tests.fixtures import reauthenticated_browser
from accounts.tests.test_admin import filled, person_page
from core.testing.database_state import table_digests
from tests.architecture.test_completeness import ROOT, source_files
from tests.pwned_passwords.password_endpoints import (
    PASSWORD_ENDPOINTS,
    USER_DATA,
    api_register,
    headless_register,
    page_register,
)

BREACHED_PASSWORD = "the kettle sings at four"
SAFE_PASSWORD = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
"""
doors = pytest.mark.parametrize("door", PASSWORD_ENDPOINTS, ids=lambda door: door.__name__)
registering = pytest.mark.parametrize(
    "door", [api_register, page_register, headless_register], ids=lambda d: d.__name__
)


@doors
def test_breached_password_is_refused_by_every_endpoint(door, range_server, db):
    range_server.add_password(BREACHED_PASSWORD)
    enter, before = door(), table_digests()

    said = enter(BREACHED_PASSWORD)

    assert said.field in {"password", "password1", "new_password"}
    assert "known from a breach" in said.words
    assert BREACHED_PASSWORD not in said.words
    assert table_digests() == before


@doors
def test_safe_password_is_checked_once_outside_transactions(door, range_server, transactional_db):
    found, asking = [], connections["default"]

    def watch():
        """Called by the list's thread: what PostgreSQL sees, and what Django would open with the next statement."""
        with connection.cursor() as cursor:
            cursor.execute(SAFE_PASSWORD)
            found.append((cursor.fetchone()[0], asking.in_atomic_block))
        connection.close()

    enter, range_server.watch = door(), watch

    said = enter(BREACHED_PASSWORD)

    assert said == ("", "")
    assert User.objects.get(email=USER_DATA["email"]).check_password(BREACHED_PASSWORD)
    assert found == [(0, False)]


@doors
def test_breach_check_is_off_without_a_url(door, range_server, settings, db):
    settings.PWNED_PASSWORDS_URL = ""
    range_server.add_password(BREACHED_PASSWORD)

    said = door()(BREACHED_PASSWORD)

    assert said == ("", "")
    assert range_server.seen == []


@registering
def test_known_email_is_checked_like_an_unknown_one(door, range_server, settings, db):
    settings.REQUIRE_VERIFIED_EMAIL, settings.ACCOUNT_EMAIL_VERIFICATION = True, "mandatory"
    enter = door()

    for _ in range(2):
        enter(BREACHED_PASSWORD)

    assert User.objects.filter(email=USER_DATA["email"]).count() == 1
    assert len(range_server.seen) == 2
    assert len(set(range_server.seen)) == 1


@registering
def test_known_email_is_refused_like_an_unknown_one(door, range_server, settings, db):
    settings.REQUIRE_VERIFIED_EMAIL, settings.ACCOUNT_EMAIL_VERIFICATION = True, "mandatory"
    range_server.add_password(BREACHED_PASSWORD)
    unknown = door()(BREACHED_PASSWORD)
    UserFactory(**USER_DATA)
    before = table_digests()

    known = door()(BREACHED_PASSWORD)

    assert known == unknown
    assert known.field == "password"
    assert table_digests() == before


def test_unchanged_password_is_not_checked(range_server, admin, alice):
    answer = reauthenticated_browser(admin).post(person_page(alice), filled(alice, name="Alice Able", password=""))

    alice.refresh_from_db()
    assert (answer.status_code, alice.name) == (302, "Alice Able")
    assert range_server.seen == []


def test_breach_result_is_not_cached_between_requests(range_server, db):
    range_server.add_password(BREACHED_PASSWORD)
    enter = api_register()

    refused = enter(BREACHED_PASSWORD)
    range_server.counts.clear()
    taken = enter(BREACHED_PASSWORD)

    assert (refused.field, taken.field) == ("password", "")
    assert len(range_server.seen) == 2


def test_breach_result_applies_to_its_password_only(range_server):
    range_server.add_password(BREACHED_PASSWORD)

    with breach_check("seven quiet geese"), pytest.raises(ValidationError) as error:
        BreachedPasswordValidator().validate(BREACHED_PASSWORD)

    assert error.value.code == "password_breached"
    assert len(range_server.seen) == 2


def test_passwords_are_set_in_known_modules_only():
    calls = {path.relative_to(ROOT).as_posix() for path in source_files() if ".set_password(" in path.read_text()}

    assert calls == {
        "accounts/auth/allauth/account_adapter.py",  # allauth's form for registering, which judges by itself
        "accounts/admin/users.py",
        "accounts/users/administration.py",
        "accounts/auth/passwords/services.py",
        "accounts/users/services.py",
        "demo/loader.py",
    }
