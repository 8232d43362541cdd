"""Session list and logout through the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.auth.sessions.services import issue_tokens, open_session
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, BrowserSessionFactory, SessionFactory
from core.testing.database_state import table_digests

LOGIN = "/api/v1/auth/login/"
LONG_AGO = timezone.now() - timedelta(days=400)

pytestmark = pytest.mark.django_db


def me_status(clients, pair):
    return clients["anonymous"].get("/api/v1/me/", headers={"Authorization": f"Bearer {pair.access}"}).status_code


def count_open_sessions(user):
    return Session.objects.filter(revoked_at=None, user=user).count()


def test_session_list_is_newest_first_and_marks_the_current_one(clients, alice, bob):
    SessionFactory(user=bob, user_agent="not hers")
    BrowserSessionFactory(
        user=alice, user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
    )
    SessionFactory(user=alice, user_agent="curl/8", ip_address="192.0.2.1")
    client = clients["alice"]

    rows = client.get("/api/v1/sessions/").json()["results"]

    summaries = [(row["kind"], row["device"], row["current"]) for row in rows]
    assert summaries == [
        ("api", "Unknown device", True),
        ("api", "curl", False),
        ("browser", "Firefox on Linux", False),
    ]
    assert (rows[1]["ip_address"], rows[1]["user_agent"]) == ("192.0.2.1", "curl/8")
    assert set(rows[0]) == {
        "id", "kind", "device", "user_agent", "ip_address", "created_at", "last_seen_at", "expires_at", "current",
    }  # fmt: skip


def test_session_list_excludes_ended_sessions(clients, alice):
    SessionFactory(user=alice, revoked_at=timezone.now())
    SessionFactory(user=alice, expires_at=timezone.now())

    assert len(clients["alice"].get("/api/v1/sessions/").json()["results"]) == 1


def test_session_is_revoked_and_the_others_stay(clients, alice, outbox):
    session = SessionFactory(user=alice)
    phone, client = issue_tokens(session), clients["alice"]

    response = client.delete(f"/api/v1/sessions/{session.pk}/")

    assert response.status_code == 204
    assert client.get("/api/v1/me/").status_code == 200
    assert me_status(clients, phone) == 401
    assert outbox.only("session.revoked")["session_id"] == str(session.pk)
    assert client.delete(f"/api/v1/sessions/{session.pk}/").status_code == 404


def test_logout_revokes_the_session_of_the_token(clients, alice, outbox):
    client = clients["alice"]

    response = client.post("/api/v1/auth/logout/")

    assert (response.status_code, response.content) == (204, b"")
    assert client.get("/api/v1/me/").status_code == 401
    assert client.post("/api/v1/auth/logout/").status_code == 401
    assert outbox.names() == ["session.revoked"]


def test_logout_all_revokes_own_sessions_only(clients, alice, bob, outbox):
    phone, browser = issue_tokens(SessionFactory(user=alice)), BrowserSessionFactory(user=alice)
    client, bob_client = clients["alice"], clients["bob"]

    assert client.post("/api/v1/auth/logout-all/").status_code == 204

    assert client.get("/api/v1/me/").status_code == 401
    assert clients["anonymous"].post("/api/v1/auth/refresh/", {"refresh": phone.refresh}).status_code == 401
    assert Session.objects.get(pk=browser.pk).revoked_at is not None
    assert bob_client.get("/api/v1/me/").status_code == 200
    assert outbox.names() == ["session.revoked"] * 3


def test_logout_others_keeps_the_current_session(clients, alice, bob, outbox):
    phone = issue_tokens(SessionFactory(user=alice))
    BrowserSessionFactory(user=alice)
    client, bob_client = clients["alice"], clients["bob"]

    response = client.post("/api/v1/auth/logout-others/")

    assert response.status_code == 204
    assert (client.get("/api/v1/me/").status_code, me_status(clients, phone)) == (200, 401)
    assert (count_open_sessions(alice), count_open_sessions(bob)) == (1, 1)
    assert bob_client.get("/api/v1/me/").status_code == 200
    assert {payload["reason"] for payload in outbox.payloads("session.revoked")} == {"others"}


def test_logout_without_a_token_is_unauthorized(clients, alice):
    SessionFactory(user=alice)
    before = table_digests()

    for name in ("logout", "logout-others", "logout-all"):
        assert clients["anonymous"].post(f"/api/v1/auth/{name}/").status_code == 401, name
    assert table_digests() == before


def test_login_publishes_session_opened(clients, alice, outbox):
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


def test_api_client_is_known_by_user_agent_and_network(alice, outbox):
    User.objects.update(created_at=LONG_AGO)
    alice.refresh_from_db()
    logins = [
        ("curl/8.5", "192.0.2.7"),
        ("curl/8.6", "192.0.2.99"),
        ("curl/8.6", "198.51.100.1"),
        ("python-requests/2", "192.0.2.7"),
    ]

    for user_agent, address in logins:
        open_session(user=alice, now=timezone.now(), user_agent=user_agent, address=address)

    assert [payload["session"]["is_new"] for payload in outbox.payloads("session.opened")] == [True, False, True, True]


def test_registration_is_no_login_from_a_new_device(clients, outbox):
    data = {"email": "dana@example.com", "name": "Dana", "password": PASSWORD}

    clients["anonymous"].post("/api/v1/auth/register/", data)

    assert outbox.only("session.opened")["session"]["is_new"] is False


def test_token_refresh_updates_the_ip_address(clients, alice):
    pair = issue_tokens(SessionFactory(user=alice, ip_address="192.0.2.1"))

    clients["anonymous"].post("/api/v1/auth/refresh/", {"refresh": pair.refresh}, REMOTE_ADDR="198.51.100.9")

    assert Session.objects.get().ip_address == "198.51.100.9"
