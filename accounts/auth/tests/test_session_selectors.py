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
def _nobody_is_known(monkeypatch):
    monkeypatch.setattr(sessions_selectors, "_row_cache", sessions_selectors.RowCache())


def test_who_asks_is_read_once_of_a_generation(session, alice, django_assert_num_queries):
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


def test_one_who_is_known_is_not_let_in_after_the_sessions_end(session):
    sessions_selectors.get_active_api_session(session.pk, timezone.now(), as_of="first")

    late = sessions_selectors.get_active_api_session(
        session.pk, session.expires_at + timedelta(seconds=1), as_of="first"
    )

    assert late is None


def test_what_one_request_does_to_its_person_no_other_sees(session):
    first = sessions_selectors.get_active_api_session(session.pk, timezone.now(), as_of="first")
    first.user.name = "Somebody else"

    second = sessions_selectors.get_active_api_session(session.pk, timezone.now(), as_of="first")

    assert second.user.name != "Somebody else"
