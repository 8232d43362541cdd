"""Reauthentication during a concurrent MFA reset or revocation of the session."""

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


def reauthenticate(session, **credentials):
    return reauthentication.reauthenticate(session_id=session.pk, credentials=credentials, now=NOW)


def test_mfa_reset_and_reauthentication_do_not_deadlock(alice):
    """A reset locks methods before sessions: reauthentication may not lock them the other way round."""
    session, methods_locked = SessionFactory(user=with_totp(alice)), threading.Event()

    def reset_mfa():
        with transaction.atomic():
            list(Authenticator.objects.select_for_update().order_by("pk"))
            methods_locked.set()
            wait_until(has_lock_waiters)
            Session.objects.select_for_update(nowait=True).get(pk=session.pk)
            Session.objects.update(revoked_at=NOW)

    def confirm():
        methods_locked.wait(20)
        return reauthenticate(session, code=code_at(NOW))

    reset, confirmed = run_concurrently([reset_mfa, confirm])

    assert reset is None
    assert isinstance(confirmed, NotAuthenticated)
    assert Session.objects.get().reauthenticated_at is None


def test_session_revoked_during_check_is_not_reauthenticated(alice):
    session = SessionFactory(user=alice)

    def revoke():
        Session.objects.update(revoked_at=NOW)

    _, confirmed = interleave(revoke, lambda: reauthenticate(session, password=PASSWORD))

    assert isinstance(confirmed, NotAuthenticated)
    assert Session.objects.get().reauthenticated_at is None
