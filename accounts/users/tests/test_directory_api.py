"""The directory of staff, and what administrators decide in it."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.tests.factories import AccountDeletionFactory, SessionFactory, UserFactory
from core.testing.database_state import table_digests

pytestmark = pytest.mark.django_db
URL = "/api/v1/directory/"


def names(answer):
    return [one["handle"] for one in answer.json()["results"]]


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
def test_staff_sees_people_by_their_state(state, expected, people, carol, client_of):
    assert names(client_of(carol).get(URL, {"state": state})) == expected


def test_staff_sees_addresses_and_when_somebody_was_last_seen(people, alice, carol, client_of):
    session = SessionFactory(user=alice)

    (found,) = client_of(carol).get(URL, {"search": "alice"}).json()["results"]

    assert found["email"] == "alice@example.com"
    assert found["last_seen_at"] == session.last_seen_at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("who", ["alice", "mallory"])
def test_nobody_else_does(who, people, request, client_of):
    client = client_of(request.getfixturevalue(who))

    answers = [client.get(URL), client.get(f"{URL}{User.objects.get(handle='bob').pk}/")]

    assert [one.status_code for one in answers] == [403, 403]


def test_costs_the_same_for_many_as_for_few(carol, client_of, queries):
    client = client_of(carol)
    client.get(URL)
    with queries(at_most=6) as few:
        client.get(URL)
    UserFactory.create_batch(15)

    with queries(equal_to=few):
        assert len(names(client.get(URL))) == 16


def test_an_administrator_deactivates_and_the_person_is_out_at_once(alice, admin, client_of):
    theirs, url = client_of(alice), f"{URL}{alice.pk}/"
    tag = client_of(admin).get(url)["ETag"]

    answer = client_of(admin).patch(url, {"is_active": False}, headers={"If-Match": tag})

    assert (answer.status_code, answer.json()["is_active"]) == (200, False)
    assert theirs.get("/api/v1/me/").status_code == 401


def test_staff_decides_nothing(alice, carol, client_of):
    client = client_of(carol)
    before = table_digests()

    answer = client.patch(f"{URL}{alice.pk}/", {"role": "admin"})

    assert (answer.status_code, table_digests() == before) == (403, True)


def test_the_last_administrator_stays_one(admin, client_of):
    client = client_of(admin)
    before = table_digests()

    answers = [client.patch(f"{URL}{admin.pk}/", one) for one in ({"role": "user"}, {"is_active": False})]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(409, "last_admin")] * 2
    assert table_digests() == before
