"""One's devices: seen, signed out one by one or all at once."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts import services
from accounts.models import Session

pytestmark = pytest.mark.django_db


def open_one(person, agent="curl/8"):
    return services.open_session(user=person, now=timezone.now(), user_agent=agent, address="192.0.2.1")


def test_sessions_are_listed_newest_first_with_the_present_one_marked(clients, alice, bob):
    open_one(alice, "phone")
    open_one(bob, "not hers")
    client = clients["alice"]

    rows = client.get("/api/v1/sessions/").json()["results"]

    assert [(row["user_agent"], row["current"]) for row in rows] == [("", True), ("phone", False)]
    assert rows[1]["address"] == "192.0.2.1"
    assert set(rows[0]) == {"id", "user_agent", "address", "created_at", "last_used_at", "expires_at", "current"}


def test_one_device_is_signed_out_and_the_others_stay(clients, alice, outbox):
    phone, client = open_one(alice), clients["alice"]
    session = Session.objects.order_by("created_at")[0]

    answer = client.delete(f"/api/v1/sessions/{session.pk}/")

    assert answer.status_code == 204
    assert client.get("/api/v1/me/").status_code == 200
    gone = clients["anonymous"].get("/api/v1/me/", headers={"Authorization": f"Bearer {phone.access}"})
    assert gone.status_code == 401
    assert outbox.only("session.revoked")["session_id"] == str(session.pk)
    assert client.delete(f"/api/v1/sessions/{session.pk}/").status_code == 404


def test_signing_out_ends_the_session_behind_the_token(clients, alice, outbox):
    client = clients["alice"]

    answer = client.post("/api/v1/auth/logout/")

    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get("/api/v1/me/").status_code == 401
    assert client.post("/api/v1/auth/logout/").status_code == 401
    assert outbox.names() == ["session.revoked"]


def test_signing_out_everywhere_ends_all_of_ones_own_sessions(clients, alice, bob, outbox):
    phone, client = open_one(alice), clients["alice"]
    theirs = clients["bob"]

    assert client.post("/api/v1/auth/logout-all/").status_code == 204

    assert client.get("/api/v1/me/").status_code == 401
    assert clients["anonymous"].post("/api/v1/auth/refresh/", {"refresh": phone.refresh}).status_code == 401
    assert theirs.get("/api/v1/me/").status_code == 200
    assert outbox.names() == ["session.revoked"] * 2
