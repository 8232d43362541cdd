"""Users of most tests: alice owns, bob is a member, carol is staff, mallory has access to nothing."""

from __future__ import annotations

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.sessions.services import issue_tokens
from accounts.models import TeamMember, User
from accounts.tests.factories import PASSWORD, SessionFactory, TeamFactory, TeamMemberFactory, UserFactory
from accounts.tests.mfa import recovery_codes
from core.testing.page_client import logged_in_client


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
    """An API client that sends JSON."""

    default_format = "json"


def token_of(user: User) -> str:
    return issue_tokens(SessionFactory(user=user)).access


def signed_in(user: User) -> ApiClient:
    return ApiClient(HTTP_AUTHORIZATION=f"Bearer {token_of(user)}")


def reauthenticated_browser(user: User) -> Client:
    """Return a browser with a recent login."""
    client = logged_in_client(user)
    reauthenticate(client, user)
    return client


def reauthenticate(client: Client, user: User) -> None:
    """Reauthenticate with a recovery code if the user has MFA, and else with the password."""
    codes = recovery_codes(user) if login_methods_selectors.has_mfa(user) else []
    if codes:
        response = client.post("/reauthenticate/code/", {"code": codes[0], "next": "/"})
    else:
        response = client.post("/reauthenticate/", {"password": PASSWORD, "next": "/"})
    assert response["Location"] == "/"


class Clients:
    """Signed-in API clients by the name of a user fixture, created on first use."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.request = request
        self._clients: dict[str, ApiClient] = {"anonymous": ApiClient()}

    def __getitem__(self, name: str) -> ApiClient:
        if name not in self._clients:
            self._clients[name] = signed_in(self.request.getfixturevalue(name))
        return self._clients[name]


@pytest.fixture
def clients(request, db) -> Clients:
    return Clients(request)


@pytest.fixture
def client_of():
    return signed_in
