"""Proving who one is, while somebody takes away what it is proved by."""

from __future__ import annotations

import threading

import pytest
from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.auth import reauthentication
from accounts.models import Session
from accounts.tests.factories import PASSWORD, SessionFactory
from accounts.tests.mfa import code_at, with_totp
from core.errors import NotAuthenticated
from core.testing.clock import NOW
from core.testing.concurrency import has_lock_waiters, interleave, run_concurrently, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]


def reauthenticate(session, **sent):
    return reauthentication.reauthenticate(session_id=session.pk, credentials=sent, now=NOW)


def test_who_takes_factors_away_and_ends_sessions_is_never_in_a_ring_with_a_proof(alice):
    """They take the factors first, then the sessions: a proof that waits for a factor may hold no session meanwhile."""
    session, held = SessionFactory(user=with_totp(alice)), threading.Event()

    def take_away():
        with transaction.atomic():
            list(Authenticator.objects.select_for_update().order_by("pk"))
            held.set()
            wait_until(has_lock_waiters)
            Session.objects.select_for_update(nowait=True).get(pk=session.pk)
            Session.objects.update(revoked_at=NOW)

    def prove():
        held.wait(20)
        return reauthenticate(session, code=code_at(NOW))

    taken, refused = run_concurrently([take_away, prove])

    assert taken is None
    assert isinstance(refused, NotAuthenticated)
    assert Session.objects.get().reauthenticated_at is None


def test_a_session_that_ends_while_its_password_is_checked_is_not_proved(alice):
    session = SessionFactory(user=alice)

    def end():
        Session.objects.update(revoked_at=NOW)

    _, refused = interleave(end, lambda: reauthenticate(session, password=PASSWORD))

    assert isinstance(refused, NotAuthenticated)
    assert Session.objects.get().reauthenticated_at is None
