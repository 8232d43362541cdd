from collections.abc import Sequence

from celery import shared_task

from events import delivery


@shared_task(name="events.deliver")
def deliver(*, consumer: str, event_ids: Sequence[int] = (), event_id: int | None = None, **_newer: object) -> None:
    """Deliver events to a consumer. `event_id` is how a relay of the release before names a single event."""
    delivery.deliver_batch(event_ids=event_ids if event_id is None else [event_id], consumer=consumer)
