from celery import shared_task

from events import delivery


@shared_task(name="events.deliver")
def deliver(*, event_id: int, consumer: str, **_newer: object) -> None:
    delivery.deliver(event_id=event_id, consumer=consumer)
