"""A password known from a breach is refused wherever one is set; and asking about it holds up nothing else."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections

from accounts.models import User
from accounts.passwords import BreachedPasswordValidator, asked_about
from accounts.tests.factories import UserFactory
from accounts.tests.fixtures import confirmed
from accounts.tests.test_admin import filled, person_page
from core.testing.state import fingerprint
from tests.breaches.doors import DOORS, DORA, api_register, page_register, program_register
from tests.test_completeness import ROOT, sources

WORD = "the kettle sings at four"
OPEN = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
"""
doors = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
registering = pytest.mark.parametrize("door", [api_register, page_register, program_register], ids=lambda d: d.__name__)


@doors
def test_a_breached_password_is_refused_by_name_at_every_door(door, ranges, db):
    ranges.knows(WORD)
    enter, before = door(), fingerprint()

    said = enter(WORD)

    assert said.field in {"password", "password1", "new_password"}
    assert "known from a breach" in said.words
    assert WORD not in said.words
    assert fingerprint() == before


@doors
def test_another_one_is_taken_after_one_question_which_holds_no_transaction_open(door, ranges, transactional_db):
    found, asking = [], connections["default"]

    def watch():
        """Called by the list's thread: what PostgreSQL sees, and what Django would open with the next statement."""
        with connection.cursor() as cursor:
            cursor.execute(OPEN)
            found.append((cursor.fetchone()[0], asking.in_atomic_block))
        connection.close()

    enter, ranges.watch = door(), watch

    said = enter(WORD)

    assert said == ("", "")
    assert User.objects.get(email=DORA["email"]).check_password(WORD)
    assert found == [(0, False)]


@doors
def test_nobody_is_asked_unless_the_operator_says_whom(door, ranges, settings, db):
    settings.BREACHED_PASSWORDS_URL = ""
    ranges.knows(WORD)

    said = door()(WORD)

    assert said == ("", "")
    assert ranges.seen == []


@registering
def test_it_is_asked_the_same_for_an_address_that_is_known(door, ranges, settings, db):
    settings.REQUIRE_VERIFIED_EMAIL, settings.ACCOUNT_EMAIL_VERIFICATION = True, "mandatory"
    enter = door()

    for _ in range(2):
        enter(WORD)

    assert User.objects.filter(email=DORA["email"]).count() == 1
    assert len(ranges.seen) == 2
    assert len(set(ranges.seen)) == 1


@registering
def test_it_is_refused_the_same_for_an_address_that_is_known(door, ranges, settings, db):
    settings.REQUIRE_VERIFIED_EMAIL, settings.ACCOUNT_EMAIL_VERIFICATION = True, "mandatory"
    ranges.knows(WORD)
    unknown = door()(WORD)
    UserFactory(**DORA)
    before = fingerprint()

    known = door()(WORD)

    assert known == unknown
    assert known.field == "password"
    assert fingerprint() == before


def test_nobody_is_asked_about_a_password_that_stays(ranges, admin, alice):
    answer = confirmed(admin).post(person_page(alice), filled(alice, name="Alice Able", password=""))

    alice.refresh_from_db()
    assert (answer.status_code, alice.name) == (302, "Alice Able")
    assert ranges.seen == []


def test_what_was_found_is_not_remembered_for_the_next_request(ranges, db):
    ranges.knows(WORD)
    enter = api_register()

    refused = enter(WORD)
    ranges.counts.clear()
    taken = enter(WORD)

    assert (refused.field, taken.field) == ("password", "")
    assert len(ranges.seen) == 2


def test_what_was_found_of_one_password_is_not_said_of_another(ranges):
    ranges.knows(WORD)

    with asked_about("seven quiet geese"), pytest.raises(ValidationError) as refusal:
        BreachedPasswordValidator().validate(WORD)

    assert refusal.value.code == "password_breached"
    assert len(ranges.seen) == 2


def test_passwords_are_set_where_these_doors_lead_and_nowhere_else():
    calls = {path.relative_to(ROOT).as_posix() for path in sources() if ".set_password(" in path.read_text()}

    assert calls == {
        "accounts/adapters/account.py",  # allauth's form for registering, which judges by itself
        "accounts/admin/people.py",
        "accounts/services/admin.py",
        "accounts/services/passwords.py",
        "accounts/services/users.py",
        "config/demo/loading.py",
    }
