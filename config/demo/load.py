"""A thousand plain tasks for load tests, with a past of their own so that the numbers about them add up."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from config.demo.cast import DemoProject, Workflow
from config.demo.stories import DAYS, Step, Story

COUNT = 1000
WORK = (
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
    crew=("load",),
    workflow=Workflow(
        (("To do", "todo"), ("In progress", "in_progress"), ("Done", "done"), ("Cancelled", "cancelled"))
    ),
    labels=(("orders", "#0969da"), ("articles", "#1a7f37")),
)


def load_stories(now: datetime, rng: Random) -> list[Story]:
    step = timedelta(days=DAYS) / (COUNT + 1)
    return [_story(number, now - timedelta(days=DAYS) + step * number, now, rng) for number in range(1, COUNT + 1)]


def _story(number: int, created: datetime, now: datetime, rng: Random) -> Story:
    work = rng.choice(WORK)
    story = Story(
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
            story.steps.append(Step(at, "moved", "load", state))
    return story
