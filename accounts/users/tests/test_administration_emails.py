"""Administrators who set a password or an address: the person gets an email about it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.tests.factories import ServiceAccountFactory, with_email_address
from accounts.users import administration
from core.errors import Invalid
from events.models import Event
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.django_db
NEW = "a wider river turns"


def sent():
    return list(OutgoingEmail.objects.order_by("pk").values_list("kind", "to"))


def changes_in_log():
    events = Event.objects.filter(name="user.security_changed").order_by("pk")
    return [(event.payload["change"], event.actor_id) for event in events]


def test_password_set_by_an_admin_is_announced(admin, alice):
    administration.set_password(actor=admin, user_id=alice.pk, password=NEW, now=timezone.now())

    assert sent() == [("security_changed", alice.email)]
    assert changes_in_log() == [("password_set_by_admin", admin.pk)]


def test_address_set_by_an_admin_is_announced_to_both(admin, alice):
    with_email_address(alice)
    changes = {"email": "liddell@example.com"}

    administration.update_user(actor=admin, user_id=alice.pk, changes=changes, now=timezone.now())

    assert sorted(sent()) == [("security_changed", "alice@example.com"), ("verify_email", "liddell@example.com")]
    assert changes_in_log() == [("email_changed_by_admin", admin.pk)]


def test_account_created_by_an_admin_is_announced(admin):
    administration.create_user_as_admin(
        actor=admin, email="new@example.com", name="New", password=NEW, role="user", tier="free", now=timezone.now()
    )

    assert sent() == [("security_changed", "new@example.com")]


def test_refused_or_other_changes_send_no_email(admin, alice):
    robot, now = ServiceAccountFactory(), timezone.now()

    with pytest.raises(Invalid):
        administration.set_password(actor=admin, user_id=alice.pk, password="short", now=now)
    administration.update_user(actor=admin, user_id=alice.pk, changes={"name": "A", "email": alice.email}, now=now)
    # Nobody reads the mailbox of a service account.
    administration.update_user(actor=admin, user_id=robot.pk, changes={"email": "robot2@example.com"}, now=now)

    assert sent() == []
