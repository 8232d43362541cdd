from collections.abc import Sequence

from celery import shared_task

from events import delivery


@shared_task(name="events.deliver")
def deliver(*, consumer: str, event_ids: Sequence[int] = (), event_id: int | None = None, **_newer: object) -> None:
    """`event_id` is how a relay of the release before names the one fact of its message."""
    delivery.deliver_all(event_ids=event_ids if event_id is None else [event_id], consumer=consumer)
