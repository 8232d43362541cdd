"""What is written down of a session: its beginning, its last use, its end and why; and that others' go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.sessions import services as sessions_services
from accounts.auth.sessions.services import open_browser_session
from accounts.auth.tokens import issue_tokens, read_access
from accounts.models import Session, User
from accounts.tests.factories import BrowserSessionFactory, SessionFactory, with_email_address
from core.errors import NotAuthenticated
from core.testing.database_state import table_digests
from events.models import Event

pytestmark = pytest.mark.django_db
NOW = timezone.now()
THEN = NOW - timedelta(hours=3)
FIVE = timedelta(minutes=5)


def fact(name: str) -> Event:
    return Event.objects.get(name=name)


def test_a_session_begins_when_it_is_opened_and_is_told_of_then(alice, settings):
    session_id = read_access(sessions_services.open_session(user=alice, now=THEN).access).session_id

    row, told = Session.objects.get(pk=session_id), fact("session.opened")
    assert (row.created_at, row.last_seen_at, row.expires_at) == (THEN, THEN, THEN + settings.SESSION_IDLE_TIMEOUT)
    assert (row.user_agent, row.ip_address, told.payload["session"]["address"]) == ("", None, "")
    assert (told.actor_id, told.occurred_at) == (alice.pk, THEN)


def test_a_browser_that_does_not_name_itself_has_no_name(alice):
    assert open_browser_session(user=alice, now=THEN, cookie="c1").user_agent == ""


@pytest.mark.parametrize(("age", "is_new"), [(timedelta(minutes=10), False), (timedelta(minutes=10, seconds=1), True)])
def test_whoever_registered_ten_minutes_ago_is_a_newcomer_no_more(age, is_new, alice):
    User.objects.filter(pk=alice.pk).update(created_at=THEN - age)
    alice.refresh_from_db()

    sessions_services.open_session(user=alice, now=THEN, user_agent="curl/8", address="192.0.2.1")

    assert fact("session.opened").payload["session"]["is_new"] is is_new


@pytest.mark.parametrize("change", [{"password": "!other"}, {"is_active": False}])
def test_who_changed_since_they_proved_who_they_are_is_let_in_no_more(change, alice):
    User.objects.filter(pk=alice.pk).update(**change)
    before = table_digests()

    with pytest.raises(NotAuthenticated) as error:
        sessions_services.open_session(user=alice, now=NOW)

    assert (error.value.code, table_digests()) == ("token_not_valid", before)


@pytest.mark.parametrize(("after", "noted"), [(FIVE - timedelta(seconds=1), False), (FIVE, True)])
def test_that_a_browser_is_in_use_is_noted_every_five_minutes(after, noted, alice):
    session, other = (BrowserSessionFactory(user=alice, created_at=THEN, last_seen_at=THEN) for _ in range(2))

    sessions_services.touch(session, now=THEN + after, address="192.0.2.7")

    row = Session.objects.get(pk=session.pk)
    assert (row.last_seen_at, row.ip_address) == ((THEN + after, "192.0.2.7") if noted else (THEN, None))
    assert Session.objects.get(pk=other.pk).last_seen_at == THEN


def test_an_older_request_does_not_write_over_what_a_newer_one_noted(alice):
    stale = BrowserSessionFactory(user=alice, created_at=THEN, last_seen_at=THEN)
    Session.objects.update(last_seen_at=THEN + 2 * FIVE, ip_address="192.0.2.8")

    sessions_services.touch(stale, now=THEN + FIVE, address="192.0.2.7")

    row = Session.objects.get()
    assert (row.last_seen_at, row.ip_address) == (THEN + 2 * FIVE, "192.0.2.8")


@pytest.mark.parametrize(("used_from", "kept"), [(None, "192.0.2.1"), ("192.0.2.2", "192.0.2.2")])
def test_a_session_that_is_refreshed_keeps_its_address_until_another_is_known(used_from, kept, alice):
    row = SessionFactory(user=alice, ip_address="192.0.2.1")

    sessions_services.refresh_session(token=issue_tokens(row).refresh, now=NOW, address=used_from)

    assert Session.objects.get().ip_address == kept


def test_a_stolen_token_ends_the_session_it_is_of_and_no_other(alice, bob):
    stolen = SessionFactory(user=alice)
    others = [SessionFactory(user=alice), SessionFactory(user=bob), BrowserSessionFactory(user=alice)]
    first = issue_tokens(stolen).refresh
    sessions_services.refresh_session(token=first, now=NOW)
    later = NOW + timedelta(minutes=1)

    with pytest.raises(NotAuthenticated):
        sessions_services.refresh_session(token=first, now=later)

    assert Session.objects.get(pk=stolen.pk).revoked_at == later
    assert set(Session.objects.filter(revoked_at=None)) == set(others)
    assert (
        fact("session.refresh_token_reused").occurred_at,
        fact("session.refresh_token_reused").payload["session"]["used_from"],
    ) == (later, "")
    assert fact("session.revoked").payload["reason"] == "refresh token used again"


def test_why_a_session_ended_is_told(alice):
    sessions = [SessionFactory(user=alice) for _ in range(2)]

    sessions_services.revoke_session(actor=alice, session_id=sessions[0].pk, now=THEN)
    sessions_services.revoke_all_sessions(actor=alice, now=THEN + FIVE)

    told = Event.objects.filter(name="session.revoked").order_by("id")
    assert [(one.payload["session_id"], one.payload["reason"], one.occurred_at) for one in told] == [
        (str(sessions[0].pk), "revoked", THEN),
        (str(sessions[1].pk), "everywhere", THEN + FIVE),
    ]


@pytest.mark.parametrize("keeps_one", [False, True])
def test_an_address_that_an_ended_session_proposed_is_proposed_no_more(keeps_one, alice):
    mine = SessionFactory(user=alice)
    email_addresses.request_email_change(user=with_email_address(alice), email="new@example.com", now=NOW)

    if keeps_one:
        sessions_services.revoke_other_sessions(actor=alice, keep=mine.pk, now=NOW)
    else:
        sessions_services.revoke_all_sessions(actor=alice, now=NOW)

    assert list(EmailAddress.objects.values_list("email", flat=True)) == ["alice@example.com"]
    assert (Session.objects.get().revoked_at is None) is keeps_one
