"""API of the caller's profile and of other users."""

from __future__ import annotations

import pytest

from accounts.tests.factories import UserFactory, with_email_address
from core.testing.database_state import table_digests

ME = "/api/v1/me/"

pytestmark = pytest.mark.django_db


def test_profile_patch_changes_single_fields(clients, alice, outbox):
    response = clients["alice"].patch(ME, {"name": "Alice B.", "time_zone": "Europe/Berlin", "theme": "dark"})

    assert response.status_code == 200
    assert (response.json()["name"], response.json()["version"]) == ("Alice B.", 2)
    assert clients["alice"].get(ME).json() == response.json()
    assert outbox.only("user.updated")["changes"] == {
        "name": ["Alice", "Alice B."],
        "time_zone": ["UTC", "Europe/Berlin"],
        "theme": ["system", "dark"],
    }


def test_profile_patch_with_same_values_changes_nothing(clients, alice):
    before = table_digests()

    response = clients["alice"].patch(ME, {"name": "Alice"})

    assert (response.status_code, response.json()["version"]) == (200, 1)
    assert {name for name, value in table_digests().items() if value != before[name]} <= {"accounts_session"}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "europe/berlin", "UTC+25"])
def test_profile_patch_refuses_an_unknown_time_zone(zone, clients, alice):
    response = clients["alice"].patch(ME, {"time_zone": zone})

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "time_zone"
    alice.refresh_from_db()
    assert (alice.time_zone, alice.version) == ("UTC", 1)


def test_profile_read_after_write_is_current(clients, alice, django_capture_on_commit_callbacks):
    client = clients["alice"]
    first = client.get(ME)

    with django_capture_on_commit_callbacks(execute=True):
        client.patch(ME, {"name": "Other"})
    second = client.get(ME)

    assert (first.json()["name"], second.json()["name"]) == ("Alice", "Other")
    assert first["ETag"] != second["ETag"]


def test_profile_patch_with_a_stale_etag_is_refused(clients, alice):
    tag = clients["alice"].get(ME)["ETag"]
    fresh = clients["alice"].patch(ME, {"name": "First"}, headers={"If-Match": tag})

    stale = clients["alice"].patch(ME, {"name": "Second"}, headers={"If-Match": tag})

    assert (fresh.status_code, stale.status_code) == (200, 412)
    assert stale.json()["current"] == {"name": "First"}
    alice.refresh_from_db()
    assert alice.name == "First"


def test_user_list_holds_active_users_and_nothing_private(clients, alice, bob):
    UserFactory(handle="gone", is_active=False)

    rows = clients["alice"].get("/api/v1/users/").json()["results"]

    assert [row["handle"] for row in rows] == ["alice", "bob"]
    assert set(rows[0]) == {"id", "name", "handle", "role"}


@pytest.mark.parametrize(
    ("search", "expected"),
    [("bo", ["bob"]), ("BOB@example.com", ["bob"]), ("bob@", []), ("%", []), ("_", []), ("zz", [])],
)
def test_user_list_searches_name_handle_and_email(search, expected, clients, alice, bob):
    with_email_address(bob)

    rows = clients["alice"].get("/api/v1/users/", {"search": search}).json()["results"]

    assert [row["handle"] for row in rows] == expected


def test_inactive_user_is_not_found_by_api(clients, alice):
    gone = UserFactory(is_active=False)

    assert clients["alice"].get(f"/api/v1/users/{gone.pk}/").status_code == 404
