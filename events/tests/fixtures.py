from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.test import TestCase

from events.appending import assign_positions
from events.delivery import deliver_batch
from events.models import Delivery, Event
from events.relay import group_messages


class Outbox:
    """Access to published events; `delivering()` also delivers them to their consumers, without a broker."""

    def names(self) -> list[str]:
        return list(Event.objects.order_by("id").values_list("name", flat=True))

    def payloads(self, name: str) -> list[dict[str, Any]]:
        return [event.payload for event in Event.objects.filter(name=name).order_by("id")]

    def only(self, name: str) -> dict[str, Any]:
        """Return the payload of the one event of this name."""
        (payload,) = self.payloads(name)
        return payload

    @contextmanager
    def delivering(self) -> Iterator[None]:
        """Run the commit hooks of the block, then deliver events until none is left."""
        current_app.conf.task_always_eager = True
        try:
            with TestCase.captureOnCommitCallbacks(execute=True):
                yield
            while self._deliver_pending():
                pass
        finally:
            current_app.conf.task_always_eager = False

    def _deliver_pending(self) -> int:
        assign_positions(settings.SUBSCRIPTIONS)
        waiting = Delivery.objects.filter(state=Delivery.State.PENDING, attempts=0).order_by("id")
        due = list(waiting.values_list("event_id", "consumer"))
        for event_ids, consumer in group_messages(due):
            with TestCase.captureOnCommitCallbacks(execute=True):
                deliver_batch(event_ids=event_ids, consumer=consumer)
        return len(due)


@pytest.fixture
def outbox(db) -> Outbox:
    return Outbox()
