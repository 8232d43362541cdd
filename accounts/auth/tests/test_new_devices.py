"""Recognition of known browsers, and emails about sign-ins from new devices."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.auth.tests.test_session_pages import sign_in
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD
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
