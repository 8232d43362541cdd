from __future__ import annotations

from collections.abc import Sequence

from analytics import services
from analytics.rollup import TaskStanding
from events.delivery import takes_many
from events.models import Event


@takes_many
def task_created(events: Sequence[Event]) -> None:
    services.record(standings=[TaskStanding.from_fact(event.payload["task"]) for event in events])


@takes_many
def task_updated(events: Sequence[Event]) -> None:
    services.record(standings=[TaskStanding.from_fact(event.payload["task"]) for event in events])


@takes_many
def task_deleted(events: Sequence[Event]) -> None:
    services.record(standings=[TaskStanding.from_fact(event.payload["task"], deleted=True) for event in events])
