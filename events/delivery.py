"""deliver(): one consumer receives one fact, once."""

from __future__ import annotations

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from events.models import MAX_ATTEMPTS, Delivery, backoff

log = structlog.get_logger(__name__)


def deliver(*, event_id: int, consumer: str) -> bool:
    """Give the fact to the consumer and finish the delivery in one transaction.

    Returns False when there was nothing to do: done before, dead, or in another worker's hands. A failing
    consumer changes nothing but the delivery's own attempts; after MAX_ATTEMPTS it is a dead letter.
    """
    try:
        return _give(event_id, consumer)
    except Exception as error:  # the boundary: whatever a consumer raises is written down and retried
        log.exception("consumer_failed", event_id=event_id, consumer=consumer)
        _note_failure(event_id, consumer, error)
        return False


@transaction.atomic
def _give(event_id: int, consumer: str) -> bool:
    row = (
        Delivery.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("event")
        .filter(event=event_id, consumer=consumer, state=Delivery.State.PENDING)
        .first()
    )
    if row is None:
        return False
    import_string(consumer)(row.event)
    row.state, row.finished_at = Delivery.State.DONE, timezone.now()
    row.save(update_fields=["state", "finished_at"])
    return True


@transaction.atomic
def _note_failure(event_id: int, consumer: str, error: Exception) -> None:
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
