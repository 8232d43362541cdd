"""People with a purpose: alice owns, bob is a member, carol is staff, mallory is a stranger."""

from __future__ import annotations

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import TeamMember, User
from accounts.selectors import has_second_factor
from accounts.tests.factories import PASSWORD, SessionFactory, TeamFactory, TeamMemberFactory, UserFactory
from accounts.tests.second_factors import recovery_codes
from accounts.tokens import pair_for
from core.testing.pages import browser_of


@pytest.fixture
def alice(db):
    return UserFactory(handle="alice")


@pytest.fixture
def bob(db):
    return UserFactory(handle="bob")


@pytest.fixture
def carol(db):
    return UserFactory(handle="carol", role=User.Role.STAFF)


@pytest.fixture
def mallory(db):
    return UserFactory(handle="mallory")


@pytest.fixture
def admin(db):
    return UserFactory(handle="admin", role=User.Role.ADMIN)


@pytest.fixture
def team(alice, bob):
    team = TeamFactory(name="Operations")
    TeamMemberFactory(team=team, user=alice, role=TeamMember.Role.LEAD)
    TeamMemberFactory(team=team, user=bob)
    return team


class ApiClient(APIClient):
    """A program that speaks JSON to the API."""

    default_format = "json"


def token_of(person: User) -> str:
    return pair_for(SessionFactory(user=person)).access


def signed_in(person: User) -> ApiClient:
    return ApiClient(HTTP_AUTHORIZATION=f"Bearer {token_of(person)}")


def confirmed(person: User) -> Client:
    """A browser whose person has just shown once more that it is they."""
    client = browser_of(person)
    confirm(client, person)
    return client


def confirm(client: Client, person: User) -> None:
    """By a recovery code where there is a second factor, or else by the password."""
    codes = recovery_codes(person) if has_second_factor(person) else []
    door, proof = ("/confirm/code/", {"code": codes[0]}) if codes else ("/confirm/", {"password": PASSWORD})
    assert client.post(door, {**proof, "next": "/"})["Location"] == "/"


class Clients:
    """One signed-in client for each fixture that is a person, made when first asked for."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.request = request
        self.known: dict[str, ApiClient] = {"anonymous": ApiClient()}

    def __getitem__(self, name: str) -> ApiClient:
        if name not in self.known:
            self.known[name] = signed_in(self.request.getfixturevalue(name))
        return self.known[name]


@pytest.fixture
def clients(request, db) -> Clients:
    return Clients(request)


@pytest.fixture
def client_of():
    return signed_in
