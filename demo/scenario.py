"""Ninety days of work, made up: what happens to each task and when. Pure, and the same for the same seed and now."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random

from demo.comment_texts import DESCRIPTIONS, phrases_for
from demo.personas import DemoProject
from demo.task_titles import TitleTemplate, draw_titles

SCENARIO_DAYS = 90
WEEKDAY_WEIGHTS = (1.2, 1.3, 1.1, 1.0, 0.8, 0.1, 0.06)
END_OF_WORKDAY_HOUR = 18
OPEN_TASK_DUE_OFFSETS = (-16, -9, -6, -4, -3, -2, -2, -1, 0, 1, 1, 2, 4, 5, 7, 9, 12, 16, 21, 30)
PRIORITIES = (0, 0, 1, 2, 2, 2, 3, 3, 4)


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    """Something that happened to a task: `kind` is assigned, moved or commented, `what` a handle, a state, a text."""

    at: datetime
    kind: str
    actor: str
    what: str


@dataclass(slots=True)
class TaskScenario:
    """A task from its creation on; `parent` is the story it is a part of."""

    title: str
    creator: str
    created_at: datetime
    priority: int
    description: str = ""
    labels: tuple[str, ...] = ()
    estimate: int | None = None
    due_date: date | None = None
    due_at: datetime | None = None
    parent: TaskScenario | None = None
    steps: list[ScenarioStep] = field(default_factory=list)


class ScenarioGenerator:
    """Tells the stories of one project."""

    def __init__(self, project: DemoProject, now: datetime, rng: Random) -> None:
        self.project = project
        self.now = now
        self.rng = rng
        self.phrases = phrases_for(project.key)

    def generate(self) -> list[TaskScenario]:
        """Return the stories in the order of their creation."""
        titles = draw_titles(self.project.key, self.rng)
        stories = []
        for (title, family), at in zip(titles, sorted(self.creation_times(len(titles))), strict=True):
            scenario = self.scenario(title, family, at)
            stories.append(scenario)
            stories += [self.part(scenario, step, place) for place, step in enumerate(family.steps, start=1)]
        return sorted(
            (scenario for scenario in stories if scenario.created_at < self.now),
            key=lambda scenario: scenario.created_at,
        )

    def creation_times(self, count: int) -> list[datetime]:
        """More on working days than on Sundays, and a little more every week."""
        days = [self.now - timedelta(days=back) for back in range(SCENARIO_DAYS, -1, -1)]
        weights = [WEEKDAY_WEIGHTS[day.weekday()] * (1 + place / SCENARIO_DAYS) for place, day in enumerate(days)]
        chosen = self.rng.choices(days, weights, k=count)
        return [min(self.working_hour(day), self.now - timedelta(minutes=self.rng.randint(5, 300))) for day in chosen]

    def working_hour(self, day: datetime) -> datetime:
        hour = self.rng.triangular(7.5, 17.5, 9.8)
        return datetime.combine(day.date(), time(0), day.tzinfo) + timedelta(hours=hour)

    def after(self, moment: datetime, days: float) -> datetime:
        """Return a moment in office hours about so many days later, rarely at a weekend."""
        later = moment + timedelta(days=days)
        if later.hour >= END_OF_WORKDAY_HOUR:
            later += timedelta(hours=24 - END_OF_WORKDAY_HOUR)
        if later.date() != moment.date():
            later = self.working_hour(later)
        while later.weekday() > 4 and self.rng.random() < 0.9:
            later += timedelta(days=1)
        return max(later, moment + timedelta(minutes=self.rng.randint(4, 50)))

    def scenario(self, title: str, family: TitleTemplate, at: datetime) -> TaskScenario:
        priority = 4 if "incident" in family.labels and self.rng.random() < 0.5 else self.rng.choice(PRIORITIES)
        scenario = TaskScenario(
            title=title,
            creator=self.rng.choice(self.project.member_handles),
            created_at=at,
            priority=priority,
            description=self.rng.choice(DESCRIPTIONS),
            labels=family.labels,
            estimate=family.hours * 60 if self.rng.random() < 0.8 else None,
        )
        self.simulate(scenario, days=family.hours / 3.5)
        self.set_due(scenario)
        return scenario

    def part(self, whole: TaskScenario, title: str, place: int) -> TaskScenario:
        """A part is written down soon after the whole and finished before it."""
        at = whole.created_at + timedelta(minutes=2 * place)
        part = TaskScenario(title=title, creator=whole.creator, created_at=at, priority=whole.priority, parent=whole)
        moves = [step for step in whole.steps if step.kind == "moved"]
        taken = [step for step in whole.steps if step.kind == "assigned"][:1]
        seen = moves if self.rng.random() < 0.85 else moves[:1]
        shifted = [replace(step, at=step.at + timedelta(minutes=place - 4)) for step in taken + seen]
        part.steps = sorted((step for step in shifted if step.at > at), key=lambda step: step.at)
        return part

    def simulate(self, scenario: TaskScenario, days: float) -> None:
        """Somebody takes it, works on it, asks, finishes; some tasks are dropped, some come back, some wait."""
        age = (self.now - scenario.created_at) / timedelta(days=SCENARIO_DAYS)
        if self.rng.random() < 0.2 - 0.14 * age:
            self.leave_in_backlog(scenario)
            return
        worker = self.rng.choice(self.project.member_handles)
        taken = self.after(scenario.created_at, self.rng.expovariate(5 if scenario.priority == 4 else 1.2))
        self.add(scenario, taken, "assigned", scenario.creator, worker)
        for ready in self.project.workflow.states_in_category("todo")[1:]:
            self.add(scenario, taken + timedelta(minutes=2), "moved", scenario.creator, ready)
        if self.rng.random() < 0.07:
            self.end(scenario, self.after(taken, self.rng.uniform(1, 12)), worker, "cancelled")
            return
        started = self.after(taken, self.rng.expovariate(1.2))
        finished = self.work(scenario, started, worker, days * self.rng.lognormvariate(0, 0.6))
        if self.rng.random() < 0.07:
            self.reopen(scenario, finished, worker)

    def leave_in_backlog(self, scenario: TaskScenario) -> None:
        if self.rng.random() < 0.4:
            when = self.after(scenario.created_at, self.rng.uniform(0, 3))
            self.add(scenario, when, "assigned", scenario.creator, self.rng.choice(self.project.member_handles))
        if self.rng.random() < 0.2:
            self.add_comment(
                scenario, self.after(scenario.created_at, self.rng.uniform(1, 9)), scenario.creator, "asked"
            )

    def work(self, scenario: TaskScenario, started: datetime, worker: str, days: float) -> datetime:
        doing, *reviewing = self.project.workflow.states_in_category("in_progress")
        finished = self.after(started, days)
        self.add(scenario, started, "moved", worker, doing)
        if self.rng.random() < 0.35:
            self.add_comment(scenario, started + timedelta(minutes=self.rng.randint(2, 30)), worker, "started")
        if self.rng.random() < 0.3:
            self.add_comment(
                scenario, started + (finished - started) * 0.4, self.rng.choice([worker, scenario.creator]), "asked"
            )
        if reviewing and self.rng.random() < 0.6:
            self.add(scenario, started + (finished - started) * 0.7, "moved", worker, self.rng.choice(reviewing))
        self.end(scenario, finished, worker, "done")
        return finished

    def end(self, scenario: TaskScenario, at: datetime, worker: str, category: str) -> None:
        self.add(scenario, at, "moved", worker, self.project.workflow.states_in_category(category)[0])
        if self.rng.random() < (0.8 if category == "cancelled" else 0.3):
            self.add_comment(scenario, at + timedelta(minutes=self.rng.randint(1, 20)), worker, category)

    def reopen(self, scenario: TaskScenario, finished: datetime, worker: str) -> None:
        again = self.after(finished, self.rng.uniform(0.5, 4))
        self.add(scenario, again, "moved", scenario.creator, self.project.workflow.states_in_category("in_progress")[0])
        self.add_comment(scenario, again + timedelta(minutes=3), scenario.creator, "reopened")
        self.end(scenario, self.after(again, self.rng.uniform(0.3, 5)), worker, "done")

    def add_comment(self, scenario: TaskScenario, at: datetime, who: str, occasion: str) -> None:
        others = [handle for handle in self.project.member_handles if handle != who]
        self.add(
            scenario, at, "commented", who, self.rng.choice(self.phrases[occasion]).format(who=self.rng.choice(others))
        )

    def add(self, scenario: TaskScenario, at: datetime, kind: str, who: str, what: str) -> None:
        """What lies in the future has not happened."""
        if at < self.now:
            scenario.steps.append(ScenarioStep(at, kind, who, what))

    def set_due(self, scenario: TaskScenario) -> None:
        """Choose when it is due so that most of what is finished was in time and some of what is open is late."""
        if self.rng.random() > 0.68:
            return
        closing = [step.at for step in scenario.steps if step.kind == "moved" and step.what in self.closed_states()]
        days = self.rng.gauss(1.5, 3) if closing else self.rng.choice(OPEN_TASK_DUE_OFFSETS)
        due = max(
            (closing[-1] if closing else self.now) + timedelta(days=days), scenario.created_at + timedelta(days=1)
        )
        if "interview" in scenario.title.lower() or self.rng.random() < 0.1:
            scenario.due_at = self.working_hour(due).replace(minute=self.rng.choice((0, 30)), second=0, microsecond=0)
        else:
            scenario.due_date = due.date()

    def closed_states(self) -> set[str]:
        return {
            *self.project.workflow.states_in_category("done"),
            *self.project.workflow.states_in_category("cancelled"),
        }
