"""Delivery of events to their consumers: each event once to each consumer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from events.models import MAX_ATTEMPTS, Delivery, Event, retry_delay, storable_error

# ORDER BY: a batch consumer gets its events in the order in which they were published.
# A delivery that is done, dead or locked by another worker is passed over.
CLAIM_SQL = """
SELECT event.*, ARRAY(SELECT data FROM events_personaldata WHERE event_id = event.id) AS personal_values
FROM events_delivery AS delivery JOIN events_event AS event ON event.id = delivery.event_id
WHERE delivery.event_id = ANY(%s) AND delivery.consumer = %s AND delivery.state = 'pending'
ORDER BY event.id FOR UPDATE OF delivery SKIP LOCKED
"""
COMPLETE_SQL = """
UPDATE events_delivery SET state = 'done', finished_at = statement_timestamp()
WHERE event_id = ANY(%s) AND consumer = %s
"""
log = structlog.get_logger(__name__)
Consumer = TypeVar("Consumer", bound=Callable[[Sequence[Event]], None])


def batch_consumer(consumer: Consumer) -> Consumer:
    """Mark a consumer that takes a sequence of events instead of a single one."""
    # An attribute of the function, because consumers are named by their path and imported where they run.
    consumer.batch_consumer = True  # type: ignore[attr-defined]
    return consumer


def deliver_batch(*, event_ids: Sequence[int], consumer: str) -> int:
    """Deliver these events; return how many deliveries this finished.

    A batch consumer gets them together. If it fails it gets them one by one, so only what fails alone counts as failed.
    """
    if len(event_ids) > 1:
        try:
            if _is_batch_consumer(import_string(consumer)):
                return _run_consumer(event_ids, consumer)
        except Exception:  # the boundary: a consumer may raise anything, and each event is tried alone then
            log.warning("batch_consumer_failed", consumer=consumer, events=len(event_ids), exc_info=True)
    return sum(deliver(event_id=event_id, consumer=consumer) for event_id in event_ids)


def deliver(*, event_id: int, consumer: str) -> bool:
    """Deliver one event and finish its delivery in one transaction.

    Return False if there was nothing to do: done before, dead, or locked by another worker. A failing consumer changes
    nothing but the delivery's attempts; after MAX_ATTEMPTS it is a dead letter.
    """
    try:
        return _run_consumer([event_id], consumer) == 1
    except Exception as error:  # the boundary: whatever a consumer raises is recorded, and the delivery is retried
        log.exception("consumer_failed", event_id=event_id, consumer=consumer)
        # In a transaction of its own: the one of the delivery was rolled back with all that the consumer did.
        with transaction.atomic():
            # Locked, because the same event may have been delivered again by a worker that got a second message.
            delivery = Delivery.objects.select_for_update().get(event=event_id, consumer=consumer)
            if delivery.state != Delivery.State.PENDING:
                return False
            delivery.attempts += 1
            delivery.last_error = storable_error(error)
            delivery.next_attempt_at = Now() + retry_delay(delivery.attempts)
            if delivery.attempts >= MAX_ATTEMPTS:
                delivery.state = Delivery.State.DEAD
            delivery.save(update_fields=["attempts", "last_error", "next_attempt_at", "state"])
        return False


@transaction.atomic
def _run_consumer(event_ids: Sequence[int], consumer: str) -> int:
    """Call the consumer with what is pending and not locked; several events only for a batch consumer."""
    events = list(Event.objects.raw(CLAIM_SQL, [list(event_ids), consumer]))
    if not events:
        return 0
    handle = import_string(consumer)
    handle(events if _is_batch_consumer(handle) else events[0])
    # In the transaction of the consumer: its changes and the completion are committed together or not at all.
    with connection.cursor() as cursor:
        cursor.execute(COMPLETE_SQL, [[event.pk for event in events], consumer])
    return len(events)


def _is_batch_consumer(consumer: Callable[[Any], None]) -> bool:
    return getattr(consumer, "batch_consumer", False)


def append_again(events: QuerySet[Event]) -> int:
    """Let the relay try the events again that it has set aside; return how many there were."""
    return events.filter(position=None).exclude(append_error="").update(append_error="")


def redeliver(delivery_ids: list[int]) -> int:
    """Give dead letters another round of attempts; return how many there were."""
    # Only dead ones: a pending delivery may be running this very moment.
    dead = Delivery.objects.filter(pk__in=delivery_ids, state=Delivery.State.DEAD)
    return dead.update(state=Delivery.State.PENDING, attempts=0, next_attempt_at=Now())
