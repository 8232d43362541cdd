"""From where a session was ended by force its person is not known any more: a sign-in there is news, and counts as a stranger's."""

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
def not_a_newcomer(alice):
    User.objects.update(created_at=LONG_AGO)


def everywhere(user, session):
    sessions.revoke_all_sessions(actor=user, now=NOW)


def others(user, session):
    sessions.revoke_other_sessions(actor=user, keep=None, now=NOW)


def one_of_the_list(user, session):
    sessions.revoke_session(actor=user, session_id=session.pk, now=NOW)


def password(user, session):
    """Changed, and changed back, so that the one word signs in before and after."""
    passwords.change_password(user=user, password="a wider river turns", now=NOW)
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])


def administrator(user, session):
    boss = User.objects.create(email="boss@example.com", handle="boss", name="Boss", role="admin")
    administration.revoke_sessions(actor=boss, session_ids=[session.pk], now=NOW)


BY_FORCE = [everywhere, others, one_of_the_list, password, administrator]


@pytest.mark.parametrize("end", BY_FORCE)
def test_a_browser_is_new_again(end, alice, outbox):
    client = sign_in(alice)
    client.post("/logout/")
    sign_in(alice, client)
    end(alice, Session.objects.get(revoked_at=None))

    sign_in(alice, client)
    client.post("/logout/")
    sign_in(alice, client)

    assert [one["session"]["is_new"] for one in outbox.payloads("session.opened")] == [True, False, True, False]


def test_a_program_whose_token_was_used_twice_is_new_again(alice, outbox, clock):
    program = ApiClient(HTTP_USER_AGENT="curl/8", REMOTE_ADDR=HOME)
    data = {"email": alice.email, "password": PASSWORD}
    stolen = program.post(LOGIN, data).json()["refresh"]
    program.post(REFRESH, {"refresh": stolen})
    clock.move_to(NOW + timedelta(minutes=1))
    assert program.post(REFRESH, {"refresh": stolen}).status_code == 401

    program.post(LOGIN, data)

    assert [one["session"]["is_new"] for one in outbox.payloads("session.opened")] == [True, True]


@pytest.mark.parametrize("end", BY_FORCE)
def test_its_address_and_its_browser_guess_as_strangers_do(end, alice, clients):
    client = sign_in(alice, REMOTE_ADDR=HOME)
    end(alice, Session.objects.get())
    exhaust(clients)

    assert api_login(clients, PASSWORD, address=HOME).status_code == 429
    assert page_login(client, PASSWORD, address=AWAY).status_code == 429
    assert Session.objects.filter(revoked_at=None).count() == 0


def test_who_has_signed_out_is_known_still(alice, clients, outbox):
    client = sign_in(alice, REMOTE_ADDR=HOME)
    client.post("/logout/")
    exhaust(clients)

    assert api_login(clients, PASSWORD, address=HOME).status_code == 200
    assert page_login(client, PASSWORD, address=AWAY).status_code == 302
    assert outbox.payloads("session.opened")[-1]["session"]["is_new"] is False


def test_who_stays_signed_in_there_is_known_still(alice, clients):
    here, phone = sign_in(alice, REMOTE_ADDR=HOME), sign_in(alice, REMOTE_ADDR=HOME)
    kept = here.session["_session_id"]
    sessions.revoke_other_sessions(actor=alice, keep=kept, now=NOW)
    exhaust(clients)

    assert api_login(clients, PASSWORD, address=HOME).status_code == 200
    assert page_login(phone, PASSWORD, address=AWAY).status_code == 429


def test_another_person_at_the_same_device_stays_known(alice, bob, clients, outbox):
    User.objects.update(created_at=LONG_AGO)
    client = sign_in(bob)
    client.post("/logout/")
    sign_in(alice, client)
    sessions.revoke_all_sessions(actor=alice, now=NOW)

    sign_in(bob, client)

    assert [one["session"]["is_new"] for one in outbox.payloads("session.opened")] == [True, True, False]
