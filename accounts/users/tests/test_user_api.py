"""One's own profile, and the directory."""

from __future__ import annotations

import pytest

from accounts.tests.factories import UserFactory, with_email_address
from core.testing.database_state import table_digests

ME = "/api/v1/me/"

pytestmark = pytest.mark.django_db


def test_a_profile_is_changed_field_by_field(clients, alice, outbox):
    answer = clients["alice"].patch(ME, {"name": "Alice B.", "time_zone": "Europe/Berlin", "theme": "dark"})

    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["version"]) == ("Alice B.", 2)
    assert clients["alice"].get(ME).json() == answer.json()
    assert outbox.only("user.updated")["changes"] == {
        "name": ["Alice", "Alice B."],
        "time_zone": ["UTC", "Europe/Berlin"],
        "theme": ["system", "dark"],
    }


def test_the_same_again_changes_nothing(clients, alice):
    before = table_digests()

    answer = clients["alice"].patch(ME, {"name": "Alice"})

    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert {name for name, value in table_digests().items() if value != before[name]} <= {"accounts_session"}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "europe/berlin", "UTC+25"])
def test_a_zone_nobody_knows_is_refused(zone, clients, alice):
    answer = clients["alice"].patch(ME, {"time_zone": zone})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "time_zone"
    alice.refresh_from_db()
    assert (alice.time_zone, alice.version) == ("UTC", 1)


def test_a_profile_read_after_a_write_is_the_written_one(clients, alice, django_capture_on_commit_callbacks):
    client = clients["alice"]
    first = client.get(ME)

    with django_capture_on_commit_callbacks(execute=True):
        client.patch(ME, {"name": "Other"})
    second = client.get(ME)

    assert (first.json()["name"], second.json()["name"]) == ("Alice", "Other")
    assert first["ETag"] != second["ETag"]


def test_a_stale_profile_is_not_written(clients, alice):
    tag = clients["alice"].get(ME)["ETag"]
    fresh = clients["alice"].patch(ME, {"name": "First"}, headers={"If-Match": tag})

    stale = clients["alice"].patch(ME, {"name": "Second"}, headers={"If-Match": tag})

    assert (fresh.status_code, stale.status_code) == (200, 412)
    assert stale.json()["current"] == {"name": "First"}
    alice.refresh_from_db()
    assert alice.name == "First"


def test_the_directory_shows_who_one_may_need_and_nothing_private(clients, alice, bob):
    UserFactory(handle="gone", is_active=False)

    rows = clients["alice"].get("/api/v1/users/").json()["results"]

    assert [row["handle"] for row in rows] == ["alice", "bob"]
    assert set(rows[0]) == {"id", "name", "handle", "role"}


@pytest.mark.parametrize(
    ("words", "found"), [("bo", ["bob"]), ("BOB@example.com", ["bob"]), ("bob@", []), ("%", []), ("_", []), ("zz", [])]
)
def test_people_are_found_by_name_handle_or_whole_address(words, found, clients, alice, bob):
    with_email_address(bob)

    rows = clients["alice"].get("/api/v1/users/", {"search": words}).json()["results"]

    assert [row["handle"] for row in rows] == found


def test_somebody_who_left_is_not_in_the_directory(clients, alice):
    gone = UserFactory(is_active=False)

    assert clients["alice"].get(f"/api/v1/users/{gone.pk}/").status_code == 404
