"""A program is told in its inbox, which it can read by its key; it has no mailbox."""

from __future__ import annotations

import pytest

from accounts.tests.factories import ServiceAccountFactory
from notifications.models import Notification, OutgoingEmail
from notifications.tests.factories import make_event
from tasks.tests.factories import MemberFactory

pytestmark = pytest.mark.django_db


def test_an_assignment_to_a_program_is_in_its_inbox_and_mailed_to_nobody(alice, task, sink, deliver):
    robot = ServiceAccountFactory(handle="robot")
    MemberFactory(project=task.project, user=robot)
    event = make_event("task.assigned", task, actor=alice, assignee_id=robot)

    deliver(event)

    assert Notification.objects.get().recipient == robot
    assert not OutgoingEmail.objects.exists()
    assert sink.messages == []
