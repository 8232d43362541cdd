"""deliver(): a consumer receives facts, each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import structlog
from django.db import connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from events.models import MAX_ATTEMPTS, Delivery, Event, backoff

CLAIM_SQL = """
SELECT event.* FROM events_delivery AS delivery JOIN events_event AS event ON event.id = delivery.event_id
WHERE delivery.event_id = ANY(%s) AND delivery.consumer = %s AND delivery.state = 'pending'
ORDER BY event.id FOR UPDATE OF delivery SKIP LOCKED
"""
COMPLETE_SQL = "UPDATE events_delivery SET state = 'done', finished_at = %s WHERE event_id = ANY(%s) AND consumer = %s"
log = structlog.get_logger(__name__)
Consumer = TypeVar("Consumer", bound=Callable[[Sequence[Event]], None])


def batch_consumer(consumer: Consumer) -> Consumer:
    """Say of a consumer that it receives a sequence of facts, in one transaction, instead of a single one."""
    consumer.batch_consumer = True  # type: ignore[attr-defined]
    return consumer


def deliver_all(*, event_ids: Sequence[int], consumer: str) -> int:
    """Give these facts to the consumer, together if it takes many; returns how many deliveries this finished.

    Those it refuses together are given one by one, so only what fails alone counts as failed.
    """
    if len(event_ids) > 1:
        try:
            if _is_batch_consumer(import_string(consumer)):
                return _dispatch(event_ids, consumer)
        except Exception:  # the boundary: whatever a consumer raises, each fact will answer for itself
            log.warning("batch_consumer_failed", consumer=consumer, events=len(event_ids), exc_info=True)
    return sum(deliver(event_id=event_id, consumer=consumer) for event_id in event_ids)


def deliver(*, event_id: int, consumer: str) -> bool:
    """Give one fact to the consumer and finish the delivery in one transaction.

    Returns False when there was nothing to do: done before, dead, or in another worker's hands. A failing
    consumer changes nothing but the delivery's own attempts; after MAX_ATTEMPTS it is a dead letter.
    """
    try:
        return _dispatch([event_id], consumer) == 1
    except Exception as error:  # the boundary: whatever a consumer raises is written down and retried
        log.exception("consumer_failed", event_id=event_id, consumer=consumer)
        _record_failure(event_id, consumer, error)
        return False


@transaction.atomic
def _dispatch(event_ids: Sequence[int], consumer: str) -> int:
    """Finish what is still pending and in nobody else's hands; several facts only to a consumer that takes many."""
    events = list(Event.objects.raw(CLAIM_SQL, [list(event_ids), consumer]))
    if not events:
        return 0
    give = import_string(consumer)
    give(events if _is_batch_consumer(give) else events[0])
    with connection.cursor() as cursor:
        cursor.execute(COMPLETE_SQL, [timezone.now(), [event.pk for event in events], consumer])
    return len(events)


def _is_batch_consumer(consumer: Callable[[Any], None]) -> bool:
    return getattr(consumer, "batch_consumer", False)


@transaction.atomic
def _record_failure(event_id: int, consumer: str, error: Exception) -> None:
    row = Delivery.objects.select_for_update().get(event=event_id, consumer=consumer)
    if row.state != Delivery.State.PENDING:
        return
    row.attempts += 1
    row.last_error = f"{type(error).__name__}: {error}"[:2000]
    row.next_attempt_at = timezone.now() + backoff(row.attempts)
    if row.attempts >= MAX_ATTEMPTS:
        row.state = Delivery.State.DEAD
    row.save(update_fields=["attempts", "last_error", "next_attempt_at", "state"])


def redeliver(delivery_ids: list[int]) -> int:
    """Give dead letters another round of attempts; returns how many there were."""
    dead = Delivery.objects.filter(pk__in=delivery_ids, state=Delivery.State.DEAD)
    return dead.update(state=Delivery.State.PENDING, attempts=0, next_attempt_at=timezone.now())
