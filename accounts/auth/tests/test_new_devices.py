"""Recognition of known browsers, and emails about sign-ins from new devices."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.auth.sessions import services as sessions
from accounts.auth.tests.test_session_pages import sign_in
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.fixtures import ApiClient
from core.security.hashing import sha256_hex

LONG_AGO = timezone.now() - timedelta(days=400)

pytestmark = pytest.mark.django_db


def test_browser_is_known_at_its_second_login(alice, outbox):
    User.objects.update(created_at=LONG_AGO)
    client = sign_in(alice)
    client.post("/logout/")
    sign_in(alice, client)
    sign_in(alice)

    assert [payload["session"]["is_new"] for payload in outbox.payloads("session.opened")] == [True, False, True]


def test_device_cookie_is_a_secret_stored_as_a_hash(alice):
    client = sign_in(alice)

    cookie = client.cookies["device"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert len(cookie.value) == 32
    assert cookie.value not in str(Session.objects.values_list("device_hash", "id").get())


def test_login_from_a_new_device_is_emailed(alice, outbox, sink):
    User.objects.update(created_at=LONG_AGO, time_zone="Europe/Berlin")

    with outbox.delivering():
        client = sign_in(alice, REMOTE_ADDR="192.0.2.8")
    with outbox.delivering():
        client.post("/logout/")
        sign_in(alice, client)

    email = sink.only()
    assert (email["To"], email["Subject"]) == (alice.email, "New sign-in to your TaskFlow account: Firefox on Linux")
    for part in ("plain", "html"):
        body = email.get_body((part,)).get_content()
        assert "Firefox on Linux, IP address 192.0.2.8" in body
        assert "http://127.0.0.1:8000/settings/sessions/" in body
        assert "CET" in body or "CEST" in body


def test_device_cookie_with_the_text_of_a_program_is_new(alice, outbox):
    """A program is recognised by a text that anybody can guess; a browser that sends it is still a new one."""
    User.objects.update(created_at=LONG_AGO)
    program = ApiClient(HTTP_USER_AGENT="curl/8", REMOTE_ADDR="192.0.2.8")
    data = {"email": alice.email, "password": PASSWORD}
    program.post("/api/v1/auth/login/", data)
    program.post("/api/v1/auth/login/", data)
    client = Client(HTTP_USER_AGENT="curl/8")
    client.cookies["device"] = "curl 192.0.2"
    assert Session.objects.first().device_hash == sha256_hex("curl 192.0.2")

    client.post("/login/", data)

    assert [payload["session"]["is_new"] for payload in outbox.payloads("session.opened")] == [True, False, True]


def test_planted_device_cookie_is_trusted_for_nobody_else(alice, bob, outbox):
    """The intruder puts their own cookie, or an invented one, into the victim's browser."""
    User.objects.update(created_at=LONG_AGO)
    intruder = sign_in(bob)
    planted = intruder.cookies["device"].value
    for value in (planted, "a" * 32, f"{planted}.{'a' * 32}", ".".join([planted] * 40), "x" * 4000):
        victim = Client()
        victim.cookies["device"] = value
        sign_in(alice, victim)
        latest = Session.objects.filter(user=alice).latest("pk")

        secrets = victim.cookies["device"].value.split(".")
        assert latest.device_hash == sha256_hex(secrets[0])
        assert secrets[0] not in value
        assert len(secrets) <= 5

    for value in (planted, "a" * 32):
        intruder.cookies["device"] = value
        intruder.post("/logout/")
        sign_in(alice, intruder)
        assert outbox.payloads("session.opened")[-1]["session"]["is_new"] is True


def test_stolen_device_cookie_stays_untrusted_after_a_login(alice, outbox):
    User.objects.update(created_at=LONG_AGO)
    owner, thief = sign_in(alice), Client()
    stolen = owner.cookies["device"].value
    sessions.revoke_all_sessions(actor=alice, now=timezone.now())
    sign_in(alice, owner)

    thief.cookies["device"] = stolen
    sign_in(alice, thief)

    assert owner.cookies["device"].value.split(".")[0] != stolen
    assert outbox.payloads("session.opened")[-1]["session"]["is_new"] is True


def test_browser_of_several_people_is_known_to_each(outbox):
    users = [UserFactory(handle=f"p{number}") for number in range(5)]
    User.objects.update(created_at=LONG_AGO)
    client = Client()
    for _ in range(2):
        for user in users:
            sign_in(user, client)
            client.post("/logout/")

    assert [payload["session"]["is_new"] for payload in outbox.payloads("session.opened")] == [True] * 5 + [False] * 5
    assert len(client.cookies["device"].value) == 5 * 33 - 1
