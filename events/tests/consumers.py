"""Consumers for the tests of delivery. They are named by path, as those in config/subscriptions.py are."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from accounts.models import Team
from events.delivery import batch_consumer
from events.models import Event

received: list[int] = []
calls: list[int] = []
_lock = threading.Lock()


def record(event: Event) -> None:
    """Record the event, and write a row in the transaction of the delivery."""
    with _lock:
        received.append(event.pk)
    Team.objects.create(name=f"told of {event.pk}")


def fail(event: Event) -> None:
    Team.objects.create(name=f"half told of {event.pk}")
    raise ValueError("not today")


def fail_oddly(event: Event) -> None:
    """Fail with a text that PostgreSQL cannot store."""
    raise ValueError("a\0b\ud800c")


@batch_consumer
def record_many(events: Sequence[Event]) -> None:
    """Record the events, and fail on the first one whose payload is marked as broken."""
    for event in events:
        record(event)
        if event.payload.get("broken"):
            raise ValueError(f"{event.pk} is broken")
    with _lock:
        calls.append(len(events))


@batch_consumer
def do_nothing(events: Sequence[Event]) -> None:
    """Do nothing, to measure the cost of a delivery."""
