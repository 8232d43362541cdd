"""A browser is known again by a secret of its own; a sign-in with another one is told to the person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.auth.tests.test_session_pages import sign_in
from accounts.models import Session, User

LONG_AGO = timezone.now() - timedelta(days=400)

pytestmark = pytest.mark.django_db


def test_the_same_browser_is_known_again_and_another_is_not(alice, outbox):
    User.objects.update(created_at=LONG_AGO)
    client = sign_in(alice)
    client.post("/logout/")
    sign_in(alice, client)
    sign_in(alice)

    assert [payload["session"]["is_new"] for payload in outbox.payloads("session.opened")] == [True, False, True]


def test_what_a_browser_is_known_by_is_a_secret_of_its_own(alice):
    client = sign_in(alice)

    cookie = client.cookies["device"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert len(cookie.value) == 32
    assert cookie.value not in str(Session.objects.values_list("device_hash", "id").get())


def test_a_new_device_is_mailed_to_the_person(alice, outbox, sink):
    User.objects.update(created_at=LONG_AGO, time_zone="Europe/Berlin")

    with outbox.delivering():
        client = sign_in(alice, REMOTE_ADDR="192.0.2.8")
    with outbox.delivering():
        client.post("/logout/")
        sign_in(alice, client)

    mail = sink.only()
    assert (mail["To"], mail["Subject"]) == (alice.email, "New sign-in to your TaskFlow account: Firefox on Linux")
    for part in ("plain", "html"):
        body = mail.get_body((part,)).get_content()
        assert "Firefox on Linux, IP address 192.0.2.8" in body
        assert "http://127.0.0.1:8000/settings/sessions/" in body
        assert "CET" in body or "CEST" in body
