"""API of the staff directory."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.tests.factories import AccountDeletionFactory, SessionFactory, UserFactory
from core.testing.database_state import table_digests

pytestmark = pytest.mark.django_db
URL = "/api/v1/directory/"


def handles(response):
    return [row["handle"] for row in response.json()["results"]]


@pytest.fixture
def people(alice, bob):
    UserFactory(handle="gone", is_active=False)
    AccountDeletionFactory(user=UserFactory(handle="leaving", is_active=False))
    UserFactory(handle="robot", kind=User.Kind.SERVICE, password="!")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("active", ["alice", "bob", "carol"]),
        ("inactive", ["gone", "leaving"]),
        ("pending_deletion", ["leaving"]),
        ("all", ["alice", "bob", "carol", "gone", "leaving"]),
    ],
)
def test_directory_filters_by_state(state, expected, people, carol, client_of):
    assert handles(client_of(carol).get(URL, {"state": state})) == expected


def test_directory_shows_email_and_last_seen_to_staff(people, alice, carol, client_of):
    session = SessionFactory(user=alice)

    (row,) = client_of(carol).get(URL, {"search": "alice"}).json()["results"]

    assert row["email"] == "alice@example.com"
    assert row["last_seen_at"] == session.last_seen_at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("who", ["alice", "mallory"])
def test_directory_is_for_staff(who, people, request, client_of):
    client = client_of(request.getfixturevalue(who))

    responses = [client.get(URL), client.get(f"{URL}{User.objects.get(handle='bob').pk}/")]

    assert [response.status_code for response in responses] == [403, 403]


def test_directory_queries_do_not_grow_with_users(carol, client_of, queries):
    client = client_of(carol)
    client.get(URL)
    with queries(at_most=6) as few:
        client.get(URL)
    UserFactory.create_batch(15)

    with queries(equal_to=few):
        assert len(handles(client.get(URL))) == 16


def test_directory_deactivation_signs_out_at_once(alice, admin, client_of):
    browser, url = client_of(alice), f"{URL}{alice.pk}/"
    tag = client_of(admin).get(url)["ETag"]

    response = client_of(admin).patch(url, {"is_active": False}, headers={"If-Match": tag})

    assert (response.status_code, response.json()["is_active"]) == (200, False)
    assert browser.get("/api/v1/me/").status_code == 401


def test_directory_changes_are_for_administrators(alice, carol, client_of):
    client = client_of(carol)
    before = table_digests()

    response = client.patch(f"{URL}{alice.pk}/", {"role": "admin"})

    assert (response.status_code, table_digests() == before) == (403, True)


def test_last_administrator_cannot_be_demoted(admin, client_of):
    client = client_of(admin)
    before = table_digests()

    responses = [client.patch(f"{URL}{admin.pk}/", changes) for changes in ({"role": "user"}, {"is_active": False})]

    assert [(response.status_code, response.json()["code"]) for response in responses] == [(409, "last_admin")] * 2
    assert table_digests() == before
