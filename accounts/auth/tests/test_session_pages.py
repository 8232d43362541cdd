"""Browser sessions: rows like those of API clients, listed and revoked from everywhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session as CookieSession
from django.test import Client
from django.utils import timezone

from accounts.auth.sessions import middleware
from accounts.auth.sessions import services as sessions
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, BrowserSessionFactory, SessionFactory
from accounts.users import administration
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client, visible_text

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"

pytestmark = pytest.mark.django_db


def sign_in(user, client=None, **extra):
    """Sign in on the login page, and return the browser."""
    client = client or Client(headers={"User-Agent": FIREFOX})
    response = client.post("/login/", {"email": user.email, "password": PASSWORD}, **extra)
    assert response.status_code == 302
    return client


def is_in(client):
    return client.get("/settings/sessions/").status_code == 200


def test_login_page_opens_a_session(alice, outbox):
    client = sign_in(alice, REMOTE_ADDR="192.0.2.8")

    row = Session.objects.get()
    assert (row.user, row.kind, row.device_name, row.ip_address) == (alice, "browser", "Firefox on Linux", "192.0.2.8")
    assert (row.refresh_jti, row.revoked_at) == ("", None)
    assert outbox.names() == ["session.opened"]
    assert is_in(client)
    assert Session.objects.count() == 1


def test_wrong_password_opens_no_session(alice):
    Client().post("/login/", {"email": alice.email, "password": "wrong"})

    assert not Session.objects.exists()


def test_logout_page_revokes_the_session(alice, outbox):
    client = sign_in(alice)

    client.post("/logout/")

    assert Session.objects.get().revoked_at is not None
    assert outbox.only("session.revoked")["reason"] == "signed out"
    assert not is_in(client)


def test_admin_login_and_logout_open_and_revoke_a_session(admin, outbox):
    client = Client()

    client.post("/login/", {"email": admin.email, "password": PASSWORD, "next": "/admin/"})
    opened = list(Session.objects.filter(revoked_at=None).values_list("kind", flat=True))
    client.post("/admin/logout/")

    assert opened == ["browser"]
    assert Session.objects.get().revoked_at is not None
    assert outbox.names() == ["session.opened", "session.revoked"]


def test_revoked_session_signs_out_on_the_next_request(alice):
    client = sign_in(alice)
    row = Session.objects.get()

    sessions.revoke_session(actor=alice, session_id=row.pk, now=timezone.now())

    assert client.get("/settings/sessions/")["Location"] == "/login/?next=/settings/sessions/"
    assert "_auth_user_id" not in client.session
    sign_in(alice, client)
    assert is_in(client)


def test_browser_session_is_revoked_through_the_api(alice, clients):
    client = sign_in(alice)

    clients["alice"].delete(f"/api/v1/sessions/{Session.objects.get(kind='browser').pk}/")

    assert not is_in(client)


@pytest.mark.parametrize(
    "change",
    [
        lambda user, admin: administration.set_password(
            actor=admin, user_id=user.pk, password="nine quiet lanterns", now=timezone.now()
        ),
        lambda user, admin: administration.update_user(
            actor=admin, user_id=user.pk, changes={"is_active": False}, now=timezone.now()
        ),
        lambda user, admin: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user, admin: User.objects.filter(pk=user.pk).update(password="another"),
        lambda user, admin: Session.objects.update(revoked_at=timezone.now()),
        lambda user, admin: Session.objects.update(expires_at=timezone.now()),
        lambda user, admin: Session.objects.all().delete(),
        lambda user, admin: Session.objects.update(user=admin),
    ],
    ids=["password", "deactivated", "inactive row", "password row", "revoked", "expired", "deleted", "another user's"],
)
def test_session_ends_at_once_after_a_change(change, alice, admin):
    client = sign_in(alice)

    change(alice, admin)

    assert not is_in(client)


def test_role_change_takes_effect_on_the_next_request(alice, admin):
    client = sign_in(alice)
    before = client.get("/admin/").status_code

    administration.update_user(actor=admin, user_id=alice.pk, changes={"role": "admin"}, now=timezone.now())
    promoted = client.get("/admin/").status_code
    administration.update_user(actor=admin, user_id=alice.pk, changes={"role": "user"}, now=timezone.now())

    assert (before, promoted, client.get("/admin/").status_code) == (302, 200, 302)


def test_login_of_another_user_revokes_the_previous_session(alice, bob):
    client = sign_in(alice)

    client.post("/admin/login/", {"username": bob.email, "password": PASSWORD})
    client.post("/logout/")
    sign_in(bob, client)

    open_rows = Session.objects.filter(revoked_at=None).values_list("user__handle", flat=True)
    assert list(open_rows) == ["bob"]


def test_browser_session_expires_when_idle_or_after_thirty_days(alice):
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        idle, busy = sign_in(alice), sign_in(alice)
    results = []
    for day in (6, 12, 18, 24, 29, 31):
        with time_machine.travel(start + timedelta(days=day), tick=False):
            results.append((day, is_in(busy)))

    with time_machine.travel(start + timedelta(days=8), tick=False):
        assert not is_in(idle)
    assert results == [(6, True), (12, True), (18, True), (24, True), (29, True), (31, False)]


def test_last_seen_is_written_every_few_minutes(alice):
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        client = sign_in(alice)
    seen = []

    for minutes in (1, 4, 6, 7):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            client.get("/settings/sessions/", REMOTE_ADDR="198.51.100.4")
            seen.append(round((Session.objects.get().last_seen_at - start).total_seconds() / 60))

    assert seen == [0, 0, 6, 6]
    assert Session.objects.get().ip_address == "198.51.100.4"


def test_session_cookie_without_a_row_does_not_sign_in(alice, outbox):
    client = Client()
    client.force_login(alice)

    assert not is_in(client)

    assert not CookieSession.objects.exists()
    assert not Session.objects.exists()
    assert outbox.names() == []


def test_session_page_lists_this_device_and_the_others(alice, bob):
    SessionFactory(user=bob)
    api_session = SessionFactory(user=alice, user_agent="curl/8", ip_address="192.0.2.1")
    client = sign_in(alice)

    response = client.get("/settings/sessions/")

    assert response.context["others"] == [api_session]
    assert response.context["current"].is_browser
    text = visible_text(response)
    assert "This device Firefox on Linux" in text
    assert "curl API client 192.0.2.1" in text


def test_session_page_without_other_devices_says_so(alice):
    assert "You aren't signed in on any other device." in visible_text(sign_in(alice).get("/settings/sessions/"))


def test_session_page_signs_out_one_device(alice):
    api_session, client = SessionFactory(user=alice), logged_in_client(alice)

    response = client.post(f"/settings/sessions/{api_session.pk}/revoke/", follow=True)

    assert "That device is signed out." in visible_text(response)
    assert list(Session.objects.filter(revoked_at=None).values_list("kind", flat=True)) == ["browser"]


def test_session_of_another_user_is_not_found(alice, bob):
    foreign, client = SessionFactory(user=bob), logged_in_client(alice)
    before = table_digests()

    response = client.post(f"/settings/sessions/{foreign.pk}/revoke/")

    assert response.status_code == 404
    assert table_digests() == before


def test_revoke_others_keeps_the_current_session(alice, bob):
    SessionFactory.create_batch(2, user=alice)
    BrowserSessionFactory(user=alice)
    SessionFactory(user=bob)
    client = logged_in_client(alice)

    response = client.post("/settings/sessions/revoke-others/", follow=True)

    assert "3 other devices are signed out." in visible_text(response)
    assert Session.objects.filter(revoked_at=None, user=alice).count() == 1
    assert Session.objects.filter(revoked_at=None, user=bob).count() == 1
    assert is_in(client)


def test_revoke_all_ends_the_current_session_too(alice, bob):
    SessionFactory(user=alice)
    SessionFactory(user=bob)
    client = logged_in_client(alice)

    response = client.post("/settings/sessions/revoke/", follow=True)

    assert "You are signed out of all devices." in visible_text(response)
    assert Session.objects.filter(revoked_at=None).values_list("user__handle", flat=True).get() == "bob"
    assert not is_in(client)


@pytest.mark.parametrize("path", ["revoke/", "revoke-others/"])
def test_revoking_many_requires_post_and_a_csrf_token(path, alice):
    client = logged_in_client(alice)
    client.handler.enforce_csrf_checks = True
    SessionFactory(user=alice)
    before = table_digests()

    assert client.get(f"/settings/sessions/{path}")["Location"] == "/settings/sessions/"
    assert client.post(f"/settings/sessions/{path}").status_code == 403
    assert table_digests() == before


def test_session_and_user_are_loaded_in_one_query(alice, queries):
    client = logged_in_client(alice)
    client.get("/settings/sessions/")

    with queries() as spent:
        client.get("/settings/sessions/")

    joined = [sql for sql in spent.statements if '"accounts_user"' in sql and '"accounts_session"' in sql]
    alone = [sql for sql in spent.statements if 'FROM "accounts_user"' in sql]
    assert (len(joined), alone) == (2, [])  # the middleware's query and the list of sessions


def test_purge_removes_expired_cookies_with_their_rows(alice):
    start = timezone.now()
    with time_machine.travel(start - timedelta(days=70), tick=False):
        sign_in(alice)
    current = sign_in(alice)

    sessions.purge_sessions(now=start)

    assert (Session.objects.count(), CookieSession.objects.count()) == (1, 1)
    assert is_in(current)


def test_password_change_during_a_login_rejects_it(alice, monkeypatch):
    """The login page accepted the old password, but the session is not opened any more."""
    client, start_session = Client(), middleware._start_session

    def change_password_first(request, response):
        User.objects.filter(pk=alice.pk).update(password="another")
        start_session(request, response)

    monkeypatch.setattr(middleware, "_start_session", change_password_first)
    client.post("/login/", {"email": alice.email, "password": PASSWORD})

    assert not Session.objects.exists()
    assert not is_in(client)
