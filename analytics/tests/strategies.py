"""Hypothesis strategies: random histories of tasks."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from analytics.tests.event_factories import ALPHA, ANA, BEN, BETA, task_payload

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
ASSIGNEES = st.lists(st.sampled_from([ANA, BEN]), max_size=3)
EventData = tuple[str, dict[str, Any]]


def instants() -> st.SearchStrategy[datetime]:
    return st.integers(0, 20 * 24).map(lambda hours: MONDAY + timedelta(hours=hours))


@st.composite
def states(draw: st.DrawFn, task: int, version: int) -> dict[str, Any]:
    category = draw(st.sampled_from(["todo", "in_progress", "done", "cancelled"]))
    closed = draw(instants()).isoformat() if category in {"done", "cancelled"} else None
    started = draw(st.none() | instants())
    due_date = draw(st.none() | instants())
    return task_payload(
        task,
        people=draw(ASSIGNEES),
        version=version,
        project_id=str(draw(st.sampled_from([ALPHA, BETA]))),
        created_at=(MONDAY + timedelta(hours=7 * task)).isoformat(),
        started_at=started.isoformat() if started else None,
        closed_at=closed,
        category=category,
        due_date=due_date.date().isoformat() if due_date else None,
        due_at=None if due_date else draw(st.none() | instants().map(datetime.isoformat)),
    )


@st.composite
def task_histories(draw: st.DrawFn) -> list[EventData]:
    """Return the events of a few tasks in the order of their versions."""
    events: list[EventData] = []
    for task in range(1, draw(st.integers(1, 4)) + 1):
        changes = draw(st.integers(0, 3))
        payloads = [draw(states(task, version)) for version in range(1, changes + 2)]
        events.append(("task.created", payloads[0]))
        events += [("task.updated", payload) for payload in payloads[1:]]
        if draw(st.booleans()):
            events.append(("task.deleted", {**payloads[-1], "version": changes + 2}))
    return events


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[EventData], list[int]]:
    """Return events and an order of delivery (indexes) in which some are repeated."""
    events = draw(task_histories())
    repeated = draw(st.lists(st.integers(0, len(events) - 1), max_size=5))
    order = [*range(len(events)), *repeated]
    random.Random(draw(st.integers(0, 10_000))).shuffle(order)
    return events, order
