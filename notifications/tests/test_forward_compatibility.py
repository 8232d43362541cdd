"""A newer release replaces this one node by node: what its workers and nodes wrote is shown here meanwhile."""

from __future__ import annotations

import pytest
from django.db import connection
from django.urls import reverse

from core.testing.page_client import log_in
from notifications.models import Preference
from notifications.tests.factories import make_email, make_notification

pytestmark = pytest.mark.django_db
PLAIN = "You get this because it concerns you."
CHECKS = {"notification": "notification_kind_is_known", "preference": "preference_kind_is_known"}


@pytest.fixture(autouse=True)
def migrated():
    """The newer release's migration, which runs first, allows its kinds."""
    with connection.cursor() as cursor:
        for table, check in CHECKS.items():
            cursor.execute(f"ALTER TABLE notifications_{table} DROP CONSTRAINT {check}")


def test_a_kind_that_is_not_known_here_is_in_the_inbox_with_a_plain_reason(client, bob):
    log_in(client, bob)
    make_notification(bob, kind="praised", title="Alice praised you")

    answer = client.get(reverse("inbox"))

    assert answer.status_code == 200
    assert "Alice praised you" in answer.content.decode()
    assert PLAIN in answer.content.decode()


def test_a_kind_that_is_not_known_here_is_told_by_the_api(client_of, bob):
    made = make_notification(bob, kind="praised")

    answer = client_of(bob).get("/api/v1/notifications/")
    read = client_of(bob).post(f"/api/v1/notifications/{made.pk}/read/")

    assert (answer.status_code, read.status_code) == (200, 200)
    assert [(one["kind"], one["reason"]) for one in answer.json()["results"]] == [("praised", PLAIN)]
    assert (read.json()["kind"], read.json()["reason"]) == ("praised", PLAIN)


def test_a_switch_of_a_kind_that_is_not_known_here_is_left_alone(client_of, bob):
    Preference.objects.create(user=bob, kind="praised", channel="email", enabled=False)

    before = client_of(bob).get("/api/v1/notifications/preferences/")
    answer = client_of(bob).patch("/api/v1/notifications/preferences/", {"shared": {"email": False}})

    assert (before.status_code, answer.status_code) == (200, 200)
    assert "praised" not in answer.json()
    assert dict(Preference.objects.values_list("kind", "enabled")) == {"praised": False, "shared": False}


def test_a_mail_about_an_account_that_is_not_known_here_is_in_the_administrations_list(client, admin):
    log_in(client, admin)
    email = make_email(admin)
    type(email).objects.filter(pk=email.pk).update(notification=None, kind="birthday")

    answer = client.get(reverse("admin:notifications_outgoingemail_changelist"))

    assert answer.status_code == 200
    assert "birthday" in answer.content.decode()
