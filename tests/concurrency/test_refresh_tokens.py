"""Concurrent use of one refresh token and concurrent registration, on real transactions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.auth.sessions import services as sessions
from accounts.auth.sessions.services import issue_tokens
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, SessionFactory
from accounts.users import services as users
from core.errors import Invalid, NotAuthenticated
from core.testing.concurrency import errors_of_type, run_concurrently

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(seconds=11)


def test_refresh_token_used_by_many_has_one_successor(alice):
    first = issue_tokens(sessions.open_session(user=alice, now=timezone.now()))

    outcomes = run_concurrently([lambda: sessions.refresh_session(token=first.refresh, now=timezone.now())] * 20)

    assert errors_of_type(outcomes) == []
    successors = {pair.refresh for pair, _ in outcomes}
    assert len(successors) == 1
    assert first.refresh not in successors
    assert Session.objects.get().revoked_at is None
    (successor,) = successors
    assert sessions.refresh_session(token=successor, now=timezone.now())[1] == alice


def test_reused_refresh_token_revokes_the_session_once(alice, outbox):
    now = timezone.now()
    first = issue_tokens(SessionFactory(user=alice))
    second, _ = sessions.refresh_session(token=first.refresh, now=now)

    outcomes = run_concurrently([lambda: sessions.refresh_session(token=first.refresh, now=now + LATER)] * 8)

    assert [type(outcome) for outcome in outcomes] == [NotAuthenticated] * 8
    assert Session.objects.get().revoked_at is not None
    assert outbox.names() == ["session.revoked", "session.refresh_token_reused"]
    with pytest.raises(NotAuthenticated):
        sessions.refresh_session(token=second.refresh, now=now + LATER)


def test_email_registered_by_many_is_registered_once(db):
    outcomes = run_concurrently(
        [lambda: users.register(email="Sam@example.com", name="Sam", password=PASSWORD)] * 8,
    )

    assert len(errors_of_type(outcomes, Invalid)) == 7
    assert User.objects.get().email == "sam@example.com"


def test_users_of_one_name_get_different_handles(db):
    outcomes = run_concurrently(
        lambda n=n: users.register(email=f"sam@host{n}.example", name="Sam", password=PASSWORD) for n in range(8)
    )

    assert errors_of_type(outcomes) == []
    assert sorted(User.objects.values_list("handle", flat=True)) == ["sam", *(f"sam{n}" for n in range(2, 9))]


def test_late_duplicates_of_older_tokens_keep_the_session(alice, outbox):
    now = timezone.now() - timedelta(seconds=30)
    tokens = [issue_tokens(sessions.open_session(user=alice, now=now)).refresh]
    for seconds in range(3):
        tokens.append(sessions.refresh_session(token=tokens[-1], now=now + timedelta(seconds=seconds))[0].refresh)

    outcomes = run_concurrently(
        lambda token=token: sessions.refresh_session(token=token, now=now + timedelta(seconds=9))
        for token in tokens[:3] * 4
    )

    # Each of them gets the present token, and none of them rotates it.
    assert {pair.refresh for pair, _ in outcomes} == {tokens[3]}
    assert Session.objects.get().revoked_at is None
    assert "session.revoked" not in outbox.names()


def test_older_token_revokes_the_session_after_its_grace(alice, outbox):
    now = timezone.now() - timedelta(seconds=30)
    first = issue_tokens(sessions.open_session(user=alice, now=now)).refresh
    second = sessions.refresh_session(token=first, now=now)[0].refresh
    sessions.refresh_session(token=second, now=now + timedelta(seconds=8))

    # Its own grace counts, not that of its successor.
    with pytest.raises(NotAuthenticated):
        sessions.refresh_session(token=first, now=now + LATER)
    assert Session.objects.get().revoked_at is not None


def test_remembered_refresh_tokens_are_bounded(alice):
    now = timezone.now() - timedelta(seconds=30)
    token = issue_tokens(sessions.open_session(user=alice, now=now)).refresh
    for number in range(sessions.MAX_REPLACED_TOKENS + 5):
        token = sessions.refresh_session(token=token, now=now + timedelta(milliseconds=number))[0].refresh

    assert len(Session.objects.get().replaced_jtis) == sessions.MAX_REPLACED_TOKENS + 1
    sessions.refresh_session(token=token, now=now + timedelta(minutes=1))
    assert len(Session.objects.get().replaced_jtis) == 1


def test_node_whose_clock_is_wrong_keeps_to_the_grace(alice, monkeypatch, client):
    first = issue_tokens(sessions.open_session(user=alice, now=timezone.now())).refresh
    real = timezone.now
    for hours in (0, -1, 1):
        monkeypatch.setattr("django.utils.timezone.now", lambda hours=hours: real() + timedelta(hours=hours))
        response = client.post("/api/v1/auth/refresh/", {"refresh": first}, content_type="application/json")

        assert response.status_code == 200, hours
    assert Session.objects.get().revoked_at is None


def test_token_of_a_node_ahead_is_accepted(alice):
    ahead = issue_tokens(sessions.open_session(user=alice, now=timezone.now() + timedelta(minutes=5)))

    assert sessions.read_refresh(ahead.refresh).user_id == alice.pk
