from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import NotFound
from notifications.inbox import selectors, services
from notifications.models import Notification
from notifications.tests.factories import NOW, make_notification

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


def test_reading_is_remembered_with_its_first_time(bob):
    told = make_notification(bob)

    services.mark_read(actor=bob, notification_id=told.pk, now=NOW)
    services.mark_read(actor=bob, notification_id=told.pk, now=LATER)

    assert Notification.objects.get().read_at == NOW
    assert selectors.unread_count(bob) == 0


def test_what_was_read_can_be_unread_again(bob):
    told = make_notification(bob, read_at=NOW)

    services.mark_unread(actor=bob, notification_id=told.pk)

    assert Notification.objects.get().read_at is None
    assert selectors.unread_count(bob) == 1


def test_nobody_reads_for_another(bob, mallory):
    told = make_notification(bob)

    with pytest.raises(NotFound):
        services.mark_read(actor=mallory, notification_id=told.pk, now=NOW)
    assert Notification.objects.get().read_at is None


def test_what_came_by_mail_only_is_not_in_the_inbox(bob):
    told = make_notification(bob, in_inbox=False)

    with pytest.raises(NotFound):
        services.mark_read(actor=bob, notification_id=told.pk, now=NOW)
    assert selectors.unread_count(bob) == 0


class TestReadingAll:
    def test_marks_only_ones_own(self, bob, carol):
        make_notification(bob)
        make_notification(bob)
        make_notification(carol)

        assert services.mark_all_read(actor=bob, now=NOW) == 2
        assert selectors.unread_count(carol) == 1

    def test_leaves_unread_what_arrived_after_the_last_one_seen(self, bob):
        seen = make_notification(bob)
        arrived = make_notification(bob, created_at=NOW + timedelta(seconds=1))

        assert services.mark_all_read(actor=bob, now=LATER, until=seen.pk) == 1
        assert Notification.objects.get(read_at=None) == arrived

    def test_refuses_anothers_notification_as_the_last_one_seen(self, bob, carol):
        make_notification(bob)
        foreign = make_notification(carol)

        with pytest.raises(NotFound):
            services.mark_all_read(actor=bob, now=NOW, until=foreign.pk)
        assert selectors.unread_count(bob) == 1
