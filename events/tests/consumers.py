"""Consumers for the tests of delivery. They are named by path, as those in config/subscriptions.py are."""

from __future__ import annotations

import threading

from accounts.models import Team
from events.models import Event

received: list[int] = []
_lock = threading.Lock()


def remember(event: Event) -> None:
    """Keep the fact, and write a row in the transaction of the delivery."""
    with _lock:
        received.append(event.pk)
    Team.objects.create(name=f"told of {event.pk}")


def refuse(event: Event) -> None:
    Team.objects.create(name=f"half told of {event.pk}")
    raise ValueError("not today")
