from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import NotFound
from notifications.inbox import selectors, services
from notifications.models import Notification
from notifications.tests.factories import NOW, make_notification

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


def test_read_notification_keeps_its_first_read_time(bob):
    notification = make_notification(bob)

    services.mark_read(actor=bob, notification_id=notification.pk, now=NOW)
    services.mark_read(actor=bob, notification_id=notification.pk, now=LATER)

    assert Notification.objects.get().read_at == NOW
    assert selectors.unread_count(bob) == 0


def test_read_notification_can_be_marked_unread(bob):
    notification = make_notification(bob, read_at=NOW)

    services.mark_unread(actor=bob, notification_id=notification.pk)

    assert Notification.objects.get().read_at is None
    assert selectors.unread_count(bob) == 1


def test_notification_of_another_user_cannot_be_marked_read(bob, mallory):
    notification = make_notification(bob)

    with pytest.raises(NotFound):
        services.mark_read(actor=mallory, notification_id=notification.pk, now=NOW)
    assert Notification.objects.get().read_at is None


def test_email_only_notification_is_not_in_the_inbox(bob):
    notification = make_notification(bob, in_inbox=False)

    with pytest.raises(NotFound):
        services.mark_read(actor=bob, notification_id=notification.pk, now=NOW)
    assert selectors.unread_count(bob) == 0


class TestMarkAllRead:
    def test_mark_all_read_marks_only_own_notifications(self, bob, carol):
        make_notification(bob)
        make_notification(bob)
        make_notification(carol)

        assert services.mark_all_read(actor=bob, now=NOW) == 2
        assert selectors.unread_count(carol) == 1

    def test_mark_all_read_leaves_later_notifications_unread(self, bob):
        seen = make_notification(bob)
        arrived = make_notification(bob, created_at=NOW + timedelta(seconds=1))

        assert services.mark_all_read(actor=bob, now=LATER, until=seen.pk) == 1
        assert Notification.objects.get(read_at=None) == arrived

    def test_mark_all_read_until_a_foreign_notification_is_rejected(self, bob, carol):
        make_notification(bob)
        foreign = make_notification(carol)

        with pytest.raises(NotFound):
            services.mark_all_read(actor=bob, now=NOW, until=foreign.pk)
        assert selectors.unread_count(bob) == 1
