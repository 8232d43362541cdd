"""Service accounts read their inbox through the API and get no email."""

from __future__ import annotations

import pytest

from accounts.tests.factories import ServiceAccountFactory
from notifications.models import Notification, OutgoingEmail
from notifications.tests.factories import make_event
from tasks.tests.factories import MemberFactory

pytestmark = pytest.mark.django_db


def test_service_account_is_notified_in_its_inbox_only(alice, task, sink, deliver):
    service_account = ServiceAccountFactory(handle="build-bot")
    MemberFactory(project=task.project, user=service_account)
    event = make_event("task.assigned", task, actor=alice, assignee_id=service_account)

    deliver(event)

    assert Notification.objects.get().recipient == service_account
    assert not OutgoingEmail.objects.exists()
    assert sink.messages == []
