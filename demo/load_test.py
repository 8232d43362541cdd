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
    period = timedelta(days=SCENARIO_DAYS)
    scenarios = []
    for number in range(1, TASK_COUNT + 1):
        pattern = rng.choice(TITLE_PATTERNS)
        # Even intervals, so that keyset pages by creation time have no ties.
        created = now - period + period / (TASK_COUNT + 1) * number
        scenario = TaskScenario(
            title=pattern.format(10_000 + 37 * number),
            creator="load",
            created_at=created,
            priority=rng.randint(0, 4),
            labels=("articles",) if "article" in pattern else ("orders",),
            due_date=(created + timedelta(days=rng.randint(3, 40))).date() if rng.random() < 0.5 else None,
        )
        # A quarter stays in To do, a quarter in progress, half is done.
        at = created
        for state in ("In progress", "Done")[: rng.choice((0, 1, 2, 2))]:
            at += timedelta(hours=rng.uniform(1, 120))
            if at < now:
                scenario.steps.append(ScenarioStep(at, "moved", "load", state))
        scenarios.append(scenario)
    return scenarios
