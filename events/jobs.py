from collections.abc import Sequence
from datetime import timedelta

from celery import shared_task
from django.conf import settings

from core.clock import current_time
from events import archive, delivery


@shared_task(name="events.deliver")
def deliver(*, consumer: str, event_ids: Sequence[int] = (), event_id: int | None = None, **_newer: object) -> None:
    """Deliver events to a consumer. `event_id` is how a relay of the release before names a single event."""
    delivery.deliver_batch(event_ids=event_ids if event_id is None else [event_id], consumer=consumer)


@shared_task(name="events.archive_old", ignore_result=True)
def archive_old() -> None:
    """Archive events older than ARCHIVE_EVENTS_AFTER_DAYS; 0 archives none."""
    if days := settings.ARCHIVE_EVENTS_AFTER_DAYS:
        archive.archive(before=current_time() - max(timedelta(days=days), archive.MIN_ARCHIVE_AGE))
