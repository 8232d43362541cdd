"""Rolling upgrade: rows that a newer release wrote are shown by this row."""

from __future__ import annotations

from html import unescape

import pytest
from django.db import connection
from django.urls import reverse

from core.testing.page_client import log_in
from notifications.models import Preference
from notifications.tests.factories import make_email, make_notification

pytestmark = pytest.mark.django_db
GENERAL_REASON = "You're receiving this because it concerns you."
CHECKS = {"notification": "notification_kind_is_known", "preference": "preference_kind_is_known"}


@pytest.fixture(autouse=True)
def newer_schema():
    """Drop the checks of known kinds, as the newer release's migration would extend them."""
    with connection.cursor() as cursor:
        for table, check in CHECKS.items():
            cursor.execute(f"ALTER TABLE notifications_{table} DROP CONSTRAINT {check}")


def test_unknown_kind_is_shown_in_the_inbox_page(client, bob):
    log_in(client, bob)
    make_notification(bob, kind="praised", title="Alice praised you")

    response = client.get(reverse("inbox"))

    assert response.status_code == 200
    assert "Alice praised you" in response.content.decode()
    assert GENERAL_REASON in unescape(response.content.decode())


def test_unknown_kind_is_returned_by_the_api(client_of, bob):
    notification = make_notification(bob, kind="praised")

    response = client_of(bob).get("/api/v1/notifications/")
    read = client_of(bob).post(f"/api/v1/notifications/{notification.pk}/read/")

    assert (response.status_code, read.status_code) == (200, 200)
    assert [(row["kind"], row["reason"]) for row in response.json()["results"]] == [("praised", GENERAL_REASON)]
    assert (read.json()["kind"], read.json()["reason"]) == ("praised", GENERAL_REASON)


def test_preference_of_unknown_kind_is_left_unchanged(client_of, bob):
    Preference.objects.create(user=bob, kind="praised", channel="email", enabled=False)

    before = client_of(bob).get("/api/v1/notifications/preferences/")
    response = client_of(bob).patch("/api/v1/notifications/preferences/", {"shared": {"email": False}})

    assert (before.status_code, response.status_code) == (200, 200)
    assert "praised" not in response.json()
    assert dict(Preference.objects.values_list("kind", "enabled")) == {"praised": False, "shared": False}


def test_account_email_of_unknown_kind_is_listed_in_the_admin(client, admin):
    log_in(client, admin)
    email = make_email(admin)
    type(email).objects.filter(pk=email.pk).update(notification=None, kind="birthday")

    response = client.get(reverse("admin:notifications_outgoingemail_changelist"))

    assert response.status_code == 200
    assert "birthday" in response.content.decode()
