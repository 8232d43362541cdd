from __future__ import annotations

import uuid

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from events.models import Delivery, Event


class EventFactory(DjangoModelFactory):
    """An event that has no position in the log yet."""

    class Meta:
        model = Event

    name = "task.created"
    subject_type = "task"
    subject_id = factory.LazyFunction(uuid.uuid4)
    payload = factory.LazyFunction(lambda: {"actor": None})
    occurred_at = factory.LazyFunction(timezone.now)


class DeliveryFactory(DjangoModelFactory):
    class Meta:
        model = Delivery

    event = factory.SubFactory(EventFactory)
    consumer = "events.tests.consumers.record"
    next_attempt_at = factory.LazyFunction(timezone.now)
