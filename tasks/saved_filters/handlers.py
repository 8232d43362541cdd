"""Reactions of saved filters to events."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from core.db import database_now
from events.delivery import batch_consumer
from events.models import Event
from tasks.saved_filters import subscriptions
from tasks.saved_filters.subscriptions import Actor


@batch_consumer
def match_tasks(events: Sequence[Event]) -> None:
    """Find out which of the changed tasks have entered a subscribed filter."""
    actors: dict[uuid.UUID, Actor | None] = {}
    for event in events:
        task, actor = event.payload["task"], event.payload.get("actor")
        # A parent may enter a filter by its subtask.
        for task_id in filter(None, (task["id"], task.get("parent_id"))):
            actors[uuid.UUID(task_id)] = Actor(uuid.UUID(actor["id"]), actor["name"]) if actor else None
    project_ids = {uuid.UUID(event.payload["task"]["project_id"]) for event in events}
    # Of a task that was moved from one to another: it leaves the filters of the former one.
    former_ids = filter(None, (event.payload.get("former_project_id") for event in events))
    project_ids |= {uuid.UUID(project_id) for project_id in former_ids}
    subscriptions.match_tasks(project_ids=project_ids, actors=actors, now=database_now())


def rebuild_matches(event: Event) -> None:
    """Find the matches of a filter anew whose text has changed."""
    if "filter" in event.payload["fields"]:
        subscriptions.rebuild_matches(filter_id=uuid.UUID(event.payload["saved_filter"]["id"]), now=database_now())
