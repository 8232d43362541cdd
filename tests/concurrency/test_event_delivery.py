"""The log and its deliveries under several relays and workers, on real transactions."""

from __future__ import annotations

import time

import pytest
from django.db import transaction

from accounts.models import Team
from core.testing.concurrency import errors_of_type, run_concurrently
from events import audit
from events.appending import assign_positions
from events.delivery import deliver, deliver_batch
from events.models import Delivery, Event, LogHead
from events.relay import claim_due
from events.tests import consumers
from events.tests.factories import DeliveryFactory, EventFactory

pytestmark = pytest.mark.django_db(transaction=True)
SUBSCRIPTIONS = {"task.created": ("events.tests.consumers.record",)}


def publish_slowly(count):
    for _ in range(count):
        with transaction.atomic():
            EventFactory()
            time.sleep(0.001)


def append_until(total):
    deadline = time.monotonic() + 20
    while LogHead.objects.filter(position=total).first() is None and time.monotonic() < deadline:
        assign_positions(SUBSCRIPTIONS, limit=7)


def test_concurrent_relays_leave_no_gap_in_the_hash_chain():
    outcomes = run_concurrently([lambda: publish_slowly(20)] * 6 + [lambda: append_until(120)] * 3)

    assert errors_of_type(outcomes) == []
    assert sorted(Event.objects.values_list("position", flat=True)) == list(range(1, 121))
    assert audit.verify().invalid_position is None
    assert Delivery.objects.count() == 120


def test_delivery_claimed_by_many_runs_once():
    row = DeliveryFactory()
    consumers.received.clear()

    outcomes = run_concurrently([lambda: deliver(event_id=row.event_id, consumer=row.consumer)] * 8)

    assert sorted(outcomes) == [False] * 7 + [True]
    assert consumers.received == [row.event_id]
    assert Team.objects.get().name == f"told of {row.event_id}"
    assert Delivery.objects.get().state == "done"


def test_overlapping_batches_deliver_each_event_once():
    many = "events.tests.consumers.record_many"
    event_ids = [row.event_id for row in DeliveryFactory.create_batch(30, consumer=many)]
    consumers.received.clear()

    outcomes = run_concurrently(
        lambda first=first: deliver_batch(event_ids=event_ids[first : first + 15], consumer=many)
        for first in range(0, 30, 3)
    )

    assert (errors_of_type(outcomes), sum(outcomes)) == ([], 30)
    assert sorted(consumers.received) == event_ids
    assert (Team.objects.count(), set(Delivery.objects.values_list("state", flat=True))) == (30, {"done"})


def test_due_deliveries_are_claimed_by_one_relay():
    DeliveryFactory.create_batch(60)

    outcomes = run_concurrently([lambda: claim_due(limit=25)] * 5)

    claimed = [pair for outcome in outcomes for pair in outcome]
    assert errors_of_type(outcomes) == []
    assert len(claimed) == len(set(claimed)) == 60
