"""Event handlers: record the new state of tasks. Idempotent, because an older version changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from analytics.rollups import services as rollups
from analytics.rollups.rollup import TaskState
from events.delivery import batch_consumer
from events.models import Event


@batch_consumer
def task_created(events: Sequence[Event]) -> None:
    # The whole state, not the change: then order and repetition of events do not matter.
    rollups.record(task_states=[TaskState.from_payload(event.payload["task"]) for event in events])


@batch_consumer
def task_updated(events: Sequence[Event]) -> None:
    rollups.record(task_states=[TaskState.from_payload(event.payload["task"]) for event in events])


@batch_consumer
def task_restored(events: Sequence[Event]) -> None:
    rollups.record(task_states=[TaskState.from_payload(event.payload["task"]) for event in events])


@batch_consumer
def task_deleted(events: Sequence[Event]) -> None:
    rollups.record(task_states=[TaskState.from_payload(event.payload["task"], deleted=True) for event in events])
