"""A forced logout untrusts the device.

A later sign-in there is reported as new, and throttled as that of an unknown device.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.auth.passwords import services as passwords
from accounts.auth.sessions import services as sessions
from accounts.auth.tests.test_login_throttling import AWAY, HOME, api_login, exhaust, page_login
from accounts.auth.tests.test_session_pages import sign_in
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import ApiClient
from accounts.users import administration
from core.testing.clock import NOW

LONG_AGO = timezone.now() - timedelta(days=400)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
LOGIN, REFRESH = "/api/v1/auth/login/", "/api/v1/auth/refresh/"


@pytest.fixture(autouse=True)
def _registered_long_ago(alice):
    User.objects.update(created_at=LONG_AGO)


def revoke_all(user, session):
    sessions.revoke_all_sessions(actor=user, now=NOW)


def revoke_others(user, session):
    sessions.revoke_other_sessions(actor=user, keep=None, now=NOW)


def revoke_one(user, session):
    sessions.revoke_session(actor=user, session_id=session.pk, now=NOW)


def change_password(user, session):
    """Change the password and change it back, so that it still signs in."""
    passwords.change_password(user=user, password="a wider river turns", now=NOW)
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])


def revoke_by_admin(user, session):
    admin = User.objects.create(email="admin@example.com", handle="admin", name="Admin", role="admin")
    administration.revoke_sessions(actor=admin, session_ids=[session.pk], now=NOW)


FORCED_LOGOUTS = [revoke_all, revoke_others, revoke_one, change_password, revoke_by_admin]


@pytest.mark.parametrize("end", FORCED_LOGOUTS)
def test_browser_is_new_after_a_forced_logout(end, alice, outbox):
    client = sign_in(alice)
    client.post("/logout/")
    sign_in(alice, client)
    end(alice, Session.objects.get(revoked_at=None))

    sign_in(alice, client)
    client.post("/logout/")
    sign_in(alice, client)

    assert [payload["session"]["is_new"] for payload in outbox.payloads("session.opened")] == [True, False, True, False]


def test_api_client_is_new_after_a_refresh_token_reuse(alice, outbox, clock):
    client = ApiClient(HTTP_USER_AGENT="curl/8", REMOTE_ADDR=HOME)
    data = {"email": alice.email, "password": PASSWORD}
    stolen = client.post(LOGIN, data).json()["refresh"]
    client.post(REFRESH, {"refresh": stolen})
    clock.move_to(NOW + timedelta(minutes=1))
    assert client.post(REFRESH, {"refresh": stolen}).status_code == 401

    client.post(LOGIN, data)

    assert [payload["session"]["is_new"] for payload in outbox.payloads("session.opened")] == [True, True]


@pytest.mark.parametrize("end", FORCED_LOGOUTS)
def test_device_is_throttled_as_unknown_after_a_forced_logout(end, alice, clients):
    client = sign_in(alice, REMOTE_ADDR=HOME)
    end(alice, Session.objects.get())
    exhaust(clients)

    assert api_login(clients, PASSWORD, address=HOME).status_code == 429
    assert page_login(client, PASSWORD, address=AWAY).status_code == 429
    assert Session.objects.filter(revoked_at=None).count() == 0


def test_device_stays_known_after_a_logout(alice, clients, outbox):
    client = sign_in(alice, REMOTE_ADDR=HOME)
    client.post("/logout/")
    exhaust(clients)

    assert api_login(clients, PASSWORD, address=HOME).status_code == 200
    assert page_login(client, PASSWORD, address=AWAY).status_code == 302
    assert outbox.payloads("session.opened")[-1]["session"]["is_new"] is False


def test_address_stays_known_while_a_session_there_is_open(alice, clients):
    browser, other = sign_in(alice, REMOTE_ADDR=HOME), sign_in(alice, REMOTE_ADDR=HOME)
    session_id = browser.session["_session_id"]
    sessions.revoke_other_sessions(actor=alice, keep=session_id, now=NOW)
    exhaust(clients)

    assert api_login(clients, PASSWORD, address=HOME).status_code == 200
    assert page_login(other, PASSWORD, address=AWAY).status_code == 429


def test_device_stays_known_for_another_user(alice, bob, clients, outbox):
    User.objects.update(created_at=LONG_AGO)
    client = sign_in(bob)
    client.post("/logout/")
    sign_in(alice, client)
    sessions.revoke_all_sessions(actor=alice, now=NOW)

    sign_in(bob, client)

    assert [payload["session"]["is_new"] for payload in outbox.payloads("session.opened")] == [True, True, False]
