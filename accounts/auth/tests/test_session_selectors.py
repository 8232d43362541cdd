"""The per-process cache of API sessions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.auth.sessions import selectors as sessions_selectors
from accounts.models import Session
from accounts.tests.fixtures import token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(alice):
    token_of(alice)
    return Session.objects.get(user=alice)


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch):
    monkeypatch.setattr(sessions_selectors, "_row_cache", sessions_selectors.RowCache())


def test_api_session_is_read_once_per_generation(session, alice, django_assert_num_queries):
    now = timezone.now()
    sessions_selectors.get_active_api_session(session.pk, now, as_of="first")

    with django_assert_num_queries(0):
        again = sessions_selectors.get_active_api_session(session.pk, now, as_of="first")
    with django_assert_num_queries(1):
        sessions_selectors.get_active_api_session(session.pk, now, as_of="second")
    with django_assert_num_queries(2):
        sessions_selectors.get_active_api_session(session.pk, now)
        sessions_selectors.get_active_api_session(session.pk, now)

    assert again is not None
    assert again.user == alice


def test_cached_session_is_rejected_after_its_expiry(session):
    sessions_selectors.get_active_api_session(session.pk, timezone.now(), as_of="first")

    expired = sessions_selectors.get_active_api_session(
        session.pk, session.expires_at + timedelta(seconds=1), as_of="first"
    )

    assert expired is None


def test_cached_user_is_not_shared_between_requests(session):
    first = sessions_selectors.get_active_api_session(session.pk, timezone.now(), as_of="first")
    first.user.name = "Changed"

    second = sessions_selectors.get_active_api_session(session.pk, timezone.now(), as_of="first")

    assert second.user.name != "Changed"
