from __future__ import annotations

from analytics import services
from analytics.rollup import TaskStanding
from events.models import Event


def task_created(event: Event) -> None:
    services.record(standing=TaskStanding.from_fact(event.payload["task"]))


def task_updated(event: Event) -> None:
    services.record(standing=TaskStanding.from_fact(event.payload["task"]))


def task_deleted(event: Event) -> None:
    services.record(standing=TaskStanding.from_fact(event.payload["task"], deleted=True))
