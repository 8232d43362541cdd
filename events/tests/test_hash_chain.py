"""The event log: gap-free positions, hash chain, and the audit that verifies them."""

from __future__ import annotations

import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from events import audit
from events.appending import assign_positions
from events.models import FIRST_HASH, Event, LogHead
from events.tests.factories import EventFactory
from events.tests.tampering import superuser

pytestmark = pytest.mark.django_db


@pytest.fixture
def log():
    EventFactory.create_batch(5, payload={"actor": None, "title": "ä", "numbers": [1, 2.5, None, True]})
    assign_positions({})


def verify():
    out = StringIO()
    call_command("audit", "verify", stdout=out)
    return out.getvalue()


def test_empty_log_is_valid():
    assert audit.verify().invalid_position is None
    assert "0 events" in verify()


def test_events_get_ordered_positions_and_chained_hashes(log):
    rows = list(Event.objects.order_by("id"))

    assert [event.position for event in rows] == [1, 2, 3, 4, 5]
    assert len({event.hash for event in rows} | {FIRST_HASH}) == 6
    head = LogHead.objects.get()
    assert (head.position, head.hash) == (5, rows[-1].hash)
    assert f"5 events, head {rows[-1].hash}" in verify()


def test_positions_are_assigned_in_batches(log):
    EventFactory.create_batch(5)

    batches = [[event.position for event in assign_positions({}, limit=3)] for _ in range(3)]

    assert batches == [[6, 7, 8], [9, 10], []]
    assert audit.verify().invalid_position is None


@pytest.mark.parametrize(
    ("change", "position"),
    [
        (lambda: Event.objects.filter(position=3).update(payload={"actor": None, "title": "other"}), 3),
        (lambda: Event.objects.filter(position=1).update(actor_id=uuid.uuid4()), 1),
        (lambda: Event.objects.filter(position=2).update(name="task.deleted"), 2),
        (lambda: Event.objects.filter(position=4).update(occurred_at="2020-01-01T00:00:00Z"), 4),
        (lambda: Event.objects.filter(position=4).update(hash="0" * 64), 4),
        (lambda: Event.objects.filter(position=2).delete(), 2),
        (lambda: Event.objects.filter(position=5).delete(), 5),
        (lambda: Event.objects.filter(position__gte=1).delete(), 1),
        (lambda: Event.objects.filter(position=5).update(position=6), 5),
    ],
    ids=["payload", "actor", "name", "time", "hash", "one in the middle", "the last", "all", "place"],
)
def test_tampering_is_found_at_its_position(change, position, log):
    with superuser():
        change()

    assert audit.verify().invalid_position == position
    with pytest.raises(CommandError, match=f"position {position}"):
        verify()
