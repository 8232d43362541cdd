"""Security log: own entries on the page and in the API; all entries for administrators."""

from __future__ import annotations

import dataclasses

import pytest
from django.test import Client
from django.utils import timezone

from accounts import events
from accounts.auth.security_log.selectors import TITLES
from accounts.tests.factories import PASSWORD
from accounts.users import administration
from core.testing.page_client import logged_in_client
from events.models import Event

LOG, PAGE = "/api/v1/security-log/", "/settings/security/log/"
pytestmark = pytest.mark.django_db


def fail(client, email):
    return client.post("/login/", {"email": email, "password": "wrong"}, REMOTE_ADDR="203.0.113.9")


def names(response):
    return [entry["name"] for entry in response.json()["results"]]


def test_user_events_have_titles():
    classes = [item for item in vars(events).values() if isinstance(item, type) and issubclass(item, events.UserEvent)]
    event_names = {cls.name for cls in classes if dataclasses.is_dataclass(cls) and hasattr(cls, "name")}

    assert event_names == set(TITLES)


def test_log_lists_logins_with_address_and_device(clients, alice):
    fail(Client(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux) Firefox/140"), "alice@example.com")
    Client().post("/login/", {"email": "alice@example.com", "password": PASSWORD})

    response = clients["alice"].get(LOG)

    opened, failed = response.json()["results"]
    assert (opened["name"], opened["actor"]["name"]) == ("session.opened", "Alice")
    assert (failed["name"], failed["title"], failed["is_suspicious"]) == ("user.login_failed", "Sign-in failed", True)
    assert (failed["address"], failed["device"], failed["actor"]) == ("203.0.113.9", "Firefox on Linux", None)
    assert failed["user"] == {"id": str(alice.pk), "name": "Alice"}


def test_log_names_the_actor_of_a_role_change(clients, alice, admin):
    administration.update_user(actor=admin, user_id=alice.pk, changes={"role": "staff"}, now=timezone.now())

    entries = clients["alice"].get(LOG).json()["results"]
    entry = next(entry for entry in entries if entry["name"] == "user.updated")

    assert (entry["detail"], entry["actor"]["name"], entry["is_suspicious"]) == ("role: user → staff", "Admin", True)


def test_log_shows_own_entries_only(clients, alice, bob):
    fail(Client(), "bob@example.com")
    fail(Client(), "alice@example.com")

    assert {entry["user"]["id"] for entry in clients["alice"].get(LOG).json()["results"]} == {str(alice.pk)}


@pytest.mark.parametrize("handle", ["alice", "carol"])
def test_log_of_other_users_is_denied_to_non_admins(handle, clients, bob):
    client = clients[handle]
    before = Event.objects.count()

    responses = [client.get(f"{LOG}?user={bob.pk}"), client.get(f"{LOG}?everybody=true")]

    assert [response.status_code for response in responses] == [403, 403]
    assert "203.0.113.9" not in str([response.content for response in responses])
    assert Event.objects.count() == before


def test_admins_see_entries_of_all_and_of_unknown_users(clients, alice):
    client = clients["admin"]
    for email in ("alice@example.com", "alice@example.com", "nobody@example.com"):
        fail(Client(), email)

    everybody = client.get(f"{LOG}?everybody=true&limit=2")
    single_user = client.get(f"{LOG}?user={alice.pk}")

    assert [entry["user"] for entry in everybody.json()["results"]] == [
        {"id": "00000000-0000-0000-0000-000000000000", "name": ""},
        {"id": str(alice.pk), "name": "Alice"},
    ]
    assert everybody.json()["next"]
    assert names(single_user) == ["user.login_failed"] * 2


def test_log_is_paginated_by_cursor(clients, alice):
    client = clients["alice"]
    for _ in range(3):
        fail(Client(), "alice@example.com")

    first = client.get(f"{LOG}?limit=2")
    second = client.get(first.json()["next"])

    assert names(first) + names(second) == ["user.login_failed"] * 3


def test_list_page_query_count_is_constant(clients, alice, queries):
    client = clients["alice"]
    client.get(LOG)
    with queries() as small:
        client.get(LOG)
    for _ in range(9):
        fail(Client(), "alice@example.com")

    with queries(equal_to=small):
        client.get(LOG)


def test_page_shows_own_entries_and_all_to_admins(alice, admin):
    browser = logged_in_client(alice)
    fail(Client(), "alice@example.com")

    own, denied = browser.get(PAGE), browser.get(f"{PAGE}?show=all")
    all_entries = logged_in_client(admin).get(f"{PAGE}?show=all")

    assert "Sign-in failed" in own.content.decode()
    assert "203.0.113.9" in own.content.decode()
    assert "All accounts" not in own.content.decode()
    assert denied.status_code == 403
    assert "<bdi>Alice</bdi>: Sign-in failed" in " ".join(all_entries.content.decode().split())


def test_page_requires_a_login(client):
    assert client.get(PAGE)["Location"] == f"/login/?next={PAGE}"


def test_log_never_contains_a_password(clients, alice):
    clients["anonymous"].post("/api/v1/auth/login/", {"email": "alice@example.com", "password": PASSWORD + "x"})

    assert PASSWORD not in str(list(Event.objects.values_list("payload", flat=True)))
