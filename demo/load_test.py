"""A thousand plain tasks for load tests, each with a history for the statistics."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from demo.personas import DemoProject, Workflow
from demo.scenario import SCENARIO_DAYS, ScenarioStep, TaskScenario

TASK_COUNT = 1000
TITLE_PATTERNS = (
    "Check invoice {}",
    "Answer customer {}",
    "Send the replacement for order {}",
    "Correct the address of order {}",
    "Call back about delivery {}",
    "Refund order {}",
    "Photograph article {}",
    "Update the stock of article {}",
)
PROJECT = DemoProject(
    key="LOAD",
    name="Load test",
    description="A thousand tasks that load tests read and write.",
    member_handles=("load",),
    workflow=Workflow(
        (("To do", "todo"), ("In progress", "in_progress"), ("Done", "done"), ("Cancelled", "cancelled"))
    ),
    labels=(("orders", "#0969da"), ("articles", "#1a7f37")),
)


def generate_load_test(now: datetime, rng: Random) -> list[TaskScenario]:
    """Return TASK_COUNT scenarios, created at even intervals over the last ninety days."""
    step = timedelta(days=SCENARIO_DAYS) / (TASK_COUNT + 1)
    return [
        _load_test_task(number, now - timedelta(days=SCENARIO_DAYS) + step * number, now, rng)
        for number in range(1, TASK_COUNT + 1)
    ]


def _load_test_task(number: int, created: datetime, now: datetime, rng: Random) -> TaskScenario:
    work = rng.choice(TITLE_PATTERNS)
    scenario = TaskScenario(
        title=work.format(10_000 + 37 * number),
        creator="load",
        created_at=created,
        priority=rng.randint(0, 4),
        labels=("articles",) if "article" in work else ("orders",),
        due_date=(created + timedelta(days=rng.randint(3, 40))).date() if rng.random() < 0.5 else None,
    )
    at = created
    for state in ("In progress", "Done")[: rng.choice((0, 1, 2, 2))]:
        at += timedelta(hours=rng.uniform(1, 120))
        if at < now:
            scenario.steps.append(ScenarioStep(at, "moved", "load", state))
    return scenario
