"""One event that cannot be handled neither stops the relay nor gets into the log."""

from __future__ import annotations

import json

import pytest
from django.db import connection, transaction

from events import audit
from events.appending import assign_positions
from events.health import check_queue
from events.models import Delivery, Event
from events.outbox import MAX_PAYLOAD_BYTES, UnsupportedPayload, publish
from events.relay import Relay
from events.tests.factories import EventFactory
from events.tests.test_outbox import SAMPLE_THING, SampleEvent


def nested(depth):
    value = {}
    for _ in range(depth):
        value = {"inner": value}
    return value


UNSUPPORTED = {
    "64-bit": 2**64,
    "exceeds 64-bit": -(2**63) - 1,
    "Out of range float|not JSON compliant": float("nan"),
    "float values|JSON compliant": float("-inf"),
    "number out of": [1e300],
    "NUL": {"a": ["b\0"]},
    "NUL character": {"a\0": 1},
    "surrogates": "\ud800",
    "ecursion": nested(300),
    "recursion depth|Recursion limit": nested(20_000),
    "bytes, over": "x" * MAX_PAYLOAD_BYTES,
    "not JSON serializable": {1, 2},
}


@pytest.mark.django_db
def test_unsupported_payload_is_refused_at_publish():
    for message, value in UNSUPPORTED.items():
        with pytest.raises(UnsupportedPayload, match=rf"thing\.told.*({message})"), transaction.atomic():
            publish(SampleEvent(thing=SAMPLE_THING, words=value), actor=None)
    assert not Event.objects.exists()
    for value in (
        2**63 - 1,
        -(2**63),
        "back\\u0000slash",
        nested(100),
        1.5e18,
        "like 1e99, or [1e99]",
        "x" * (MAX_PAYLOAD_BYTES // 2),
    ):
        with transaction.atomic():
            publish(SampleEvent(thing=SAMPLE_THING, words=value), actor=None)
    assert len(assign_positions({})) == 7
    assert audit.verify().invalid_position is None


def insert_raw(payload_sql):
    """Store an event as a process of another release might, without the checks of publish()."""
    event = EventFactory()
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE events_event SET payload = {payload_sql} WHERE id = %s", [event.pk])  # noqa: S608
    return event


@pytest.mark.django_db
def test_poison_event_is_set_aside_and_others_go_on():
    EventFactory()
    poison = [
        insert_raw("'{\"number\": 123456789012345678901234567890}'"),
        insert_raw("'{\"number\": 1e500}'"),
        insert_raw("'{\"number\": -9223372036854775809}'"),
        insert_raw("(repeat('{\"a\":', 2000) || '1' || repeat('}', 2000))::jsonb"),
        insert_raw("'[1, 2]'"),
        insert_raw("'\"text\"'"),
        insert_raw("'null'"),
    ]
    EventFactory.create_batch(6)

    appended = assign_positions({"task.created": ("one",)})

    assert [event.position for event in appended] == list(range(1, 8))
    assert assign_positions({}) == []
    assert Delivery.objects.count() == 7
    assert audit.verify().events == 7
    errors = dict(Event.objects.exclude(append_error="").values_list("pk", "append_error"))
    assert errors.keys() == {event.pk for event in poison}
    assert all(errors.values())
    assert check_queue() | {"late": 0} == {"waiting": 0, "set_aside": 7, "late": 0, "dead": 0}


@pytest.mark.django_db
def test_poison_event_that_the_database_refuses_is_found():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE events_event ADD CONSTRAINT refused CHECK (position IS NULL OR name <> 'poison')")
    Event.objects.bulk_create(EventFactory.build_batch(20))
    EventFactory(name="poison")
    Event.objects.bulk_create(EventFactory.build_batch(20))

    counts = [len(assign_positions({})) for _ in range(16)]

    assert sum(counts) == 40
    assert "refused" in Event.objects.get(name="poison").append_error
    assert audit.verify().invalid_position is None


@pytest.mark.django_db
def test_event_that_invalidation_cannot_read_is_skipped():
    calls = []

    def invalidate(events, *, invalidate_all):
        calls.append(invalidate_all)
        if invalidate_all:
            return
        for event in events:
            assert event.payload["task"]["id"]

    relay = Relay({}, lambda event_ids, consumer: None, invalidate)
    relay.run_cycle()
    EventFactory(payload=json.loads("{}"))
    relay.run_cycle()
    EventFactory(payload={"task": {"id": "x"}})
    relay.run_cycle()
    relay.run_cycle()

    assert calls == [True, False, True, False]
    assert Event.objects.filter(position=None).count() == 0
