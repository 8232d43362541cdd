"""One's devices: seen, signed out one by one or all at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.auth.sessions.services import open_session
from accounts.auth.tokens import issue_tokens
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, BrowserSessionFactory, SessionFactory
from core.testing.database_state import table_digests

LOGIN = "/api/v1/auth/login/"
LONG_AGO = timezone.now() - timedelta(days=400)

pytestmark = pytest.mark.django_db


def me(clients, pair):
    return clients["anonymous"].get("/api/v1/me/", headers={"Authorization": f"Bearer {pair.access}"}).status_code


def open_now(user=None):
    rows = Session.objects.filter(revoked_at=None)
    return rows.filter(user=user).count() if user else rows.count()


def test_sessions_are_listed_newest_first_with_the_present_one_marked(clients, alice, bob):
    SessionFactory(user=bob, user_agent="not hers")
    BrowserSessionFactory(
        user=alice, user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
    )
    SessionFactory(user=alice, user_agent="curl/8", ip_address="192.0.2.1")
    client = clients["alice"]

    rows = client.get("/api/v1/sessions/").json()["results"]

    found = [(row["kind"], row["device"], row["current"]) for row in rows]
    assert found == [
        ("api", "Unknown device", True),
        ("api", "curl", False),
        ("browser", "Firefox on Linux", False),
    ]
    assert (rows[1]["ip_address"], rows[1]["user_agent"]) == ("192.0.2.1", "curl/8")
    assert set(rows[0]) == {
        "id", "kind", "device", "user_agent", "ip_address", "created_at", "last_seen_at", "expires_at", "current",
    }  # fmt: skip


def test_sessions_that_have_ended_are_not_listed(clients, alice):
    SessionFactory(user=alice, revoked_at=timezone.now())
    SessionFactory(user=alice, expires_at=timezone.now())

    assert len(clients["alice"].get("/api/v1/sessions/").json()["results"]) == 1


def test_one_device_is_signed_out_and_the_others_stay(clients, alice, outbox):
    session = SessionFactory(user=alice)
    phone, client = issue_tokens(session), clients["alice"]

    response = client.delete(f"/api/v1/sessions/{session.pk}/")

    assert response.status_code == 204
    assert client.get("/api/v1/me/").status_code == 200
    assert me(clients, phone) == 401
    assert outbox.only("session.revoked")["session_id"] == str(session.pk)
    assert client.delete(f"/api/v1/sessions/{session.pk}/").status_code == 404


def test_signing_out_ends_the_session_behind_the_token(clients, alice, outbox):
    client = clients["alice"]

    response = client.post("/api/v1/auth/logout/")

    assert (response.status_code, response.content) == (204, b"")
    assert client.get("/api/v1/me/").status_code == 401
    assert client.post("/api/v1/auth/logout/").status_code == 401
    assert outbox.names() == ["session.revoked"]


def test_signing_out_everywhere_ends_all_of_ones_own_sessions(clients, alice, bob, outbox):
    phone, browser = issue_tokens(SessionFactory(user=alice)), BrowserSessionFactory(user=alice)
    client, theirs = clients["alice"], clients["bob"]

    assert client.post("/api/v1/auth/logout-all/").status_code == 204

    assert client.get("/api/v1/me/").status_code == 401
    assert clients["anonymous"].post("/api/v1/auth/refresh/", {"refresh": phone.refresh}).status_code == 401
    assert Session.objects.get(pk=browser.pk).revoked_at is not None
    assert theirs.get("/api/v1/me/").status_code == 200
    assert outbox.names() == ["session.revoked"] * 3


def test_signing_out_all_others_leaves_the_caller_signed_in(clients, alice, bob, outbox):
    phone = issue_tokens(SessionFactory(user=alice))
    BrowserSessionFactory(user=alice)
    client, theirs = clients["alice"], clients["bob"]

    response = client.post("/api/v1/auth/logout-others/")

    assert response.status_code == 204
    assert (client.get("/api/v1/me/").status_code, me(clients, phone)) == (200, 401)
    assert (open_now(alice), open_now(bob)) == (1, 1)
    assert theirs.get("/api/v1/me/").status_code == 200
    assert {payload["reason"] for payload in outbox.payloads("session.revoked")} == {"others"}


@pytest.mark.parametrize("door", ["logout", "logout-others", "logout-all"])
def test_nobody_is_signed_out_by_somebody_without_a_token(door, clients, alice):
    SessionFactory(user=alice)
    before = table_digests()

    response = clients["anonymous"].post(f"/api/v1/auth/{door}/")

    assert response.status_code == 401
    assert table_digests() == before


def test_a_sign_in_is_a_fact(clients, alice, outbox):
    User.objects.update(created_at=LONG_AGO)

    clients["anonymous"].post(
        LOGIN, {"email": alice.email, "password": PASSWORD}, headers={"User-Agent": "curl/8"}, REMOTE_ADDR="192.0.2.7"
    )

    session = Session.objects.get()
    assert outbox.only("session.opened")["session"] == {
        "id": str(session.pk),
        "kind": "api",
        "device": "curl",
        "address": "192.0.2.7",
        "is_new": True,
    }


def test_a_program_is_known_again_by_its_name_and_its_network(alice, outbox):
    User.objects.update(created_at=LONG_AGO)
    alice.refresh_from_db()
    signing_in = [
        ("curl/8.5", "192.0.2.7"),
        ("curl/8.6", "192.0.2.99"),
        ("curl/8.6", "198.51.100.1"),
        ("python-requests/2", "192.0.2.7"),
    ]

    for program, address in signing_in:
        open_session(user=alice, now=timezone.now(), user_agent=program, address=address)

    assert [payload["session"]["is_new"] for payload in outbox.payloads("session.opened")] == [True, False, True, True]


def test_who_has_just_registered_is_told_of_no_new_device(clients, outbox):
    new = {"email": "dana@example.com", "name": "Dana", "password": PASSWORD}

    clients["anonymous"].post("/api/v1/auth/register/", new)

    assert outbox.only("session.opened")["session"]["is_new"] is False


def test_a_refresh_says_where_the_device_is_now(clients, alice):
    pair = issue_tokens(SessionFactory(user=alice, ip_address="192.0.2.1"))

    clients["anonymous"].post("/api/v1/auth/refresh/", {"refresh": pair.refresh}, REMOTE_ADDR="198.51.100.9")

    assert Session.objects.get().ip_address == "198.51.100.9"
