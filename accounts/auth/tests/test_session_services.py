"""Session services: opening, touching, refreshing and revoking sessions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.sessions import services as sessions_services
from accounts.auth.sessions.services import issue_tokens, open_session
from accounts.models import Session, User
from accounts.tests.factories import BrowserSessionFactory, SessionFactory, with_email_address
from accounts.tests.mfa import with_totp
from core.errors import NotAuthenticated
from core.testing.database_state import table_digests
from events.models import Event

pytestmark = pytest.mark.django_db
NOW = timezone.now()
THEN = NOW - timedelta(hours=3)
FIVE_MINUTES = timedelta(minutes=5)


def get_event(name: str) -> Event:
    return Event.objects.get(name=name)


def test_opened_session_has_its_times_and_an_event(alice, settings):
    session_id = open_session(user=alice, now=THEN).pk

    row, event = Session.objects.get(pk=session_id), get_event("session.opened")
    assert (row.created_at, row.last_seen_at, row.expires_at) == (THEN, THEN, THEN + settings.SESSION_IDLE_TIMEOUT)
    assert (row.user_agent, row.ip_address, event.payload["session"]["address"]) == ("", None, "")
    assert (event.actor_id, event.occurred_at) == (alice.pk, THEN)


def test_browser_without_a_user_agent_has_an_empty_one(alice):
    assert open_session(user=alice, now=THEN, cookie="c1").user_agent == ""


@pytest.mark.parametrize(("age", "is_new"), [(timedelta(minutes=10), False), (timedelta(minutes=10, seconds=1), True)])
def test_new_device_is_reported_ten_minutes_after_registration(age, is_new, alice):
    User.objects.filter(pk=alice.pk).update(created_at=THEN - age)
    alice.refresh_from_db()

    sessions_services.open_session(user=alice, now=THEN, user_agent="curl/8", address="192.0.2.1")

    assert get_event("session.opened").payload["session"]["is_new"] is is_new


@pytest.mark.parametrize("change", [{"password": "!other"}, {"is_active": False}])
def test_session_of_a_user_changed_meanwhile_is_rejected(change, alice):
    User.objects.filter(pk=alice.pk).update(**change)
    before = table_digests()

    with pytest.raises(NotAuthenticated) as error:
        sessions_services.open_session(user=alice, now=NOW)

    assert (error.value.code, table_digests()) == ("token_not_valid", before)


def test_session_without_mfa_is_rejected_once_mfa_is_set_up(alice):
    with_totp(alice)
    before = table_digests()

    for cookie in ("", "c1"):
        with pytest.raises(NotAuthenticated) as error:
            open_session(user=alice, now=NOW, cookie=cookie)
        assert (error.value.code, table_digests()) == ("token_not_valid", before), cookie

    assert open_session(user=alice, now=NOW, mfa_verified=True).user == alice


@pytest.mark.parametrize(("after", "written"), [(FIVE_MINUTES - timedelta(seconds=1), False), (FIVE_MINUTES, True)])
def test_touch_writes_last_seen_every_five_minutes(after, written, alice):
    session, other = (BrowserSessionFactory(user=alice, created_at=THEN, last_seen_at=THEN) for _ in range(2))

    sessions_services.touch(session, now=THEN + after, address="192.0.2.7")

    row = Session.objects.get(pk=session.pk)
    assert (row.last_seen_at, row.ip_address) == ((THEN + after, "192.0.2.7") if written else (THEN, None))
    assert Session.objects.get(pk=other.pk).last_seen_at == THEN


def test_touch_of_an_older_request_keeps_the_newer_values(alice):
    stale = BrowserSessionFactory(user=alice, created_at=THEN, last_seen_at=THEN)
    Session.objects.update(last_seen_at=THEN + 2 * FIVE_MINUTES, ip_address="192.0.2.8")

    sessions_services.touch(stale, now=THEN + FIVE_MINUTES, address="192.0.2.7")

    row = Session.objects.get()
    assert (row.last_seen_at, row.ip_address) == (THEN + 2 * FIVE_MINUTES, "192.0.2.8")


@pytest.mark.parametrize(("used_from", "expected"), [(None, "192.0.2.1"), ("192.0.2.2", "192.0.2.2")])
def test_refresh_without_an_address_keeps_the_last_one(used_from, expected, alice):
    row = SessionFactory(user=alice, ip_address="192.0.2.1")

    sessions_services.refresh_session(token=issue_tokens(row).refresh, now=NOW, address=used_from)

    assert Session.objects.get().ip_address == expected


def test_reused_refresh_token_revokes_its_session_only(alice, bob):
    stolen = SessionFactory(user=alice)
    others = [SessionFactory(user=alice), SessionFactory(user=bob), BrowserSessionFactory(user=alice)]
    first = issue_tokens(stolen).refresh
    sessions_services.refresh_session(token=first, now=NOW)
    later = NOW + timedelta(minutes=1)

    with pytest.raises(NotAuthenticated):
        sessions_services.refresh_session(token=first, now=later)

    assert Session.objects.get(pk=stolen.pk).revoked_at == later
    assert set(Session.objects.filter(revoked_at=None)) == set(others)
    reused = get_event("session.refresh_token_reused")
    assert (reused.occurred_at, reused.payload["session"]["used_from"]) == (later, "")
    assert get_event("session.revoked").payload["reason"] == "refresh token used again"


def test_revoked_session_event_has_the_reason(alice):
    sessions = [SessionFactory(user=alice) for _ in range(2)]

    sessions_services.revoke_session(actor=alice, session_id=sessions[0].pk, now=THEN)
    sessions_services.revoke_all_sessions(actor=alice, now=THEN + FIVE_MINUTES)

    events = Event.objects.filter(name="session.revoked").order_by("id")
    assert [(event.payload["session_id"], event.payload["reason"], event.occurred_at) for event in events] == [
        (str(sessions[0].pk), "revoked", THEN),
        (str(sessions[1].pk), "everywhere", THEN + FIVE_MINUTES),
    ]


@pytest.mark.parametrize("keeps_current", [False, True])
def test_revoking_sessions_cancels_the_pending_email_change(keeps_current, alice):
    current = SessionFactory(user=alice)
    email_addresses.request_email_change(user=with_email_address(alice), email="new@example.com", now=NOW)

    if keeps_current:
        sessions_services.revoke_other_sessions(actor=alice, keep=current.pk, now=NOW)
    else:
        sessions_services.revoke_all_sessions(actor=alice, now=NOW)

    assert list(EmailAddress.objects.values_list("email", flat=True)) == ["alice@example.com"]
    assert (Session.objects.get().revoked_at is None) is keeps_current
