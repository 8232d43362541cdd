"""Scenario generator: ninety days of invented work on the tasks of a demo project.

Pure: the same seed and the same `now` give the same scenarios. demo.writers stores them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random

from demo.comment_texts import DESCRIPTIONS, phrases_for
from demo.personas import DemoProject
from demo.task_titles import TitleTemplate, draw_titles

SCENARIO_DAYS = 90
# How likely a task is created on each weekday, Monday first.
WEEKDAY_WEIGHTS = (1.2, 1.3, 1.1, 1.0, 0.8, 0.1, 0.06)
END_OF_WORKDAY_HOUR = 18
# Days from today to the due date of an open task: a third is overdue.
OPEN_TASK_DUE_OFFSETS = (-16, -9, -6, -4, -3, -2, -2, -1, 0, 1, 1, 2, 4, 5, 7, 9, 12, 16, 21, 30)
PRIORITIES = (0, 0, 1, 2, 2, 2, 3, 3, 4)


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    """One change of a task.

    `kind` is assigned, moved or commented; `value` is the assignee's handle, the state's name or the comment's text.
    """

    at: datetime
    kind: str
    actor: str
    value: str


@dataclass(slots=True)
class TaskScenario:
    """A task from its creation on; a subtask names its `parent`."""

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
    """Generates the scenarios of one project."""

    def __init__(self, project: DemoProject, now: datetime, rng: Random) -> None:
        self.project = project
        self.now = now
        self.rng = rng
        # By project, because a design team does not comment like operations.
        self.phrases = phrases_for(project.key)

    def generate(self) -> list[TaskScenario]:
        """Return the scenarios of all tasks created before `now`, oldest first."""
        titles = draw_titles(self.project.key, self.rng)
        scenarios = []
        for (title, template), at in zip(titles, sorted(self.creation_times(len(titles))), strict=True):
            scenario = self.task(title, template, at)
            scenarios.append(scenario)
            scenarios += [self.subtask(scenario, name, number) for number, name in enumerate(template.steps, start=1)]
        return sorted(
            (scenario for scenario in scenarios if scenario.created_at < self.now),
            key=lambda scenario: scenario.created_at,
        )

    def creation_times(self, count: int) -> list[datetime]:
        """Return `count` times in the last ninety days: more on working days, and slightly more every week."""
        days = [self.now - timedelta(days=back) for back in range(SCENARIO_DAYS, -1, -1)]
        weights = [WEEKDAY_WEIGHTS[day.weekday()] * (1 + index / SCENARIO_DAYS) for index, day in enumerate(days)]
        chosen = self.rng.choices(days, weights, k=count)
        return [min(self.working_hour(day), self.now - timedelta(minutes=self.rng.randint(5, 300))) for day in chosen]

    def working_hour(self, day: datetime) -> datetime:
        # Most often around ten, rarely early or late, as people work.
        hour = self.rng.triangular(7.5, 17.5, 9.8)
        return datetime.combine(day.date(), time(0), day.tzinfo) + timedelta(hours=hour)

    def after(self, moment: datetime, days: float) -> datetime:
        """Return a time in office hours about `days` later, rarely at a weekend."""
        later = moment + timedelta(days=days)
        if later.hour >= END_OF_WORKDAY_HOUR:
            later += timedelta(hours=24 - END_OF_WORKDAY_HOUR)
        if later.date() != moment.date():
            later = self.working_hour(later)
        while later.weekday() > 4 and self.rng.random() < 0.9:
            later += timedelta(days=1)
        # Never before the step it follows, whatever the hour that was drawn.
        return max(later, moment + timedelta(minutes=self.rng.randint(4, 50)))

    def task(self, title: str, template: TitleTemplate, at: datetime) -> TaskScenario:
        priority = 4 if "incident" in template.labels and self.rng.random() < 0.5 else self.rng.choice(PRIORITIES)
        scenario = TaskScenario(
            title=title,
            creator=self.rng.choice(self.project.member_handles),
            created_at=at,
            priority=priority,
            description=self.rng.choice(DESCRIPTIONS),
            labels=template.labels,
            estimate=template.hours * 60 if self.rng.random() < 0.8 else None,
        )
        self.simulate(scenario, days=template.hours / 3.5)
        self.set_due(scenario)
        return scenario

    def subtask(self, parent: TaskScenario, title: str, number: int) -> TaskScenario:
        """Return a subtask that is created soon after its parent and finished before it."""
        at = parent.created_at + timedelta(minutes=2 * number)
        scenario = TaskScenario(
            title=title, creator=parent.creator, created_at=at, priority=parent.priority, parent=parent
        )
        moves = [step for step in parent.steps if step.kind == "moved"]
        assignment = [step for step in parent.steps if step.kind == "assigned"][:1]
        # Some subtasks are started and never finished.
        copied = assignment + (moves if self.rng.random() < 0.85 else moves[:1])
        shifted = [replace(step, at=step.at + timedelta(minutes=number - 4)) for step in copied]
        scenario.steps = sorted((step for step in shifted if step.at > at), key=lambda step: step.at)
        return scenario

    def simulate(self, scenario: TaskScenario, days: float) -> None:
        """Add steps from assignment to completion; some tasks wait, some are cancelled, some reopened."""
        # From 0 (created today) to 1 (ninety days old): new tasks are more often still in the backlog.
        age = (self.now - scenario.created_at) / timedelta(days=SCENARIO_DAYS)
        if self.rng.random() < 0.2 - 0.14 * age:
            self.leave_in_backlog(scenario)
            return
        assignee = self.rng.choice(self.project.member_handles)
        assigned = self.after(scenario.created_at, self.rng.expovariate(5 if scenario.priority == 4 else 1.2))
        self.add(scenario, assigned, "assigned", scenario.creator, assignee)
        for ready in self.project.workflow.states_in_category("todo")[1:]:
            self.add(scenario, assigned + timedelta(minutes=2), "moved", scenario.creator, ready)
        if self.rng.random() < 0.07:
            self.close(scenario, self.after(assigned, self.rng.uniform(1, 12)), assignee, "cancelled")
            return
        started = self.after(assigned, self.rng.expovariate(1.2))
        # Log-normal, as real cycle times are: most short, a few very long.
        finished = self.work(scenario, started, assignee, days * self.rng.lognormvariate(0, 0.6))
        if self.rng.random() < 0.07:
            self.reopen(scenario, finished, assignee)

    def leave_in_backlog(self, scenario: TaskScenario) -> None:
        if self.rng.random() < 0.4:
            at = self.after(scenario.created_at, self.rng.uniform(0, 3))
            self.add(scenario, at, "assigned", scenario.creator, self.rng.choice(self.project.member_handles))
        if self.rng.random() < 0.2:
            at = self.after(scenario.created_at, self.rng.uniform(1, 9))
            self.add_comment(scenario, at, scenario.creator, "question")

    def work(self, scenario: TaskScenario, started: datetime, assignee: str, days: float) -> datetime:
        """Add the steps from start to completion, and return when the task was completed."""
        doing, *reviewing = self.project.workflow.states_in_category("in_progress")
        finished = self.after(started, days)
        self.add(scenario, started, "moved", assignee, doing)
        if self.rng.random() < 0.35:
            self.add_comment(scenario, started + timedelta(minutes=self.rng.randint(2, 30)), assignee, "started")
        if self.rng.random() < 0.3:
            author = self.rng.choice([assignee, scenario.creator])
            self.add_comment(scenario, started + (finished - started) * 0.4, author, "question")
        if reviewing and self.rng.random() < 0.6:
            self.add(scenario, started + (finished - started) * 0.7, "moved", assignee, self.rng.choice(reviewing))
        self.close(scenario, finished, assignee, "done")
        return finished

    def close(self, scenario: TaskScenario, at: datetime, assignee: str, category: str) -> None:
        """Move the task to the first state of a closed category, sometimes with a comment."""
        self.add(scenario, at, "moved", assignee, self.project.workflow.states_in_category(category)[0])
        # People explain why they cancel; that something is done speaks for itself.
        if self.rng.random() < (0.8 if category == "cancelled" else 0.3):
            self.add_comment(scenario, at + timedelta(minutes=self.rng.randint(1, 20)), assignee, category)

    def reopen(self, scenario: TaskScenario, finished: datetime, assignee: str) -> None:
        """Reopen a completed task, say why, and complete it again some days later."""
        at = self.after(finished, self.rng.uniform(0.5, 4))
        self.add(scenario, at, "moved", scenario.creator, self.project.workflow.states_in_category("in_progress")[0])
        self.add_comment(scenario, at + timedelta(minutes=3), scenario.creator, "reopened")
        self.close(scenario, self.after(at, self.rng.uniform(0.3, 5)), assignee, "done")

    def add_comment(self, scenario: TaskScenario, at: datetime, author: str, occasion: str) -> None:
        """Add a comment by the author that may mention another member; `occasion` chooses the phrases."""
        # Nobody mentions themselves.
        others = [handle for handle in self.project.member_handles if handle != author]
        text = self.rng.choice(self.phrases[occasion]).format(handle=self.rng.choice(others))
        self.add(scenario, at, "commented", author, text)

    def add(self, scenario: TaskScenario, at: datetime, kind: str, actor: str, value: str) -> None:
        """Add a step unless it lies in the future."""
        if at < self.now:
            scenario.steps.append(ScenarioStep(at, kind, actor, value))

    def set_due(self, scenario: TaskScenario) -> None:
        """Choose a due date: most closed tasks are on time, some open ones overdue."""
        if self.rng.random() > 0.68:
            return
        workflow = self.project.workflow
        closed_states = {*workflow.states_in_category("done"), *workflow.states_in_category("cancelled")}
        closed = [step.at for step in scenario.steps if step.kind == "moved" and step.value in closed_states]
        # Positive means that the task was closed before it was due.
        days = self.rng.gauss(1.5, 3) if closed else self.rng.choice(OPEN_TASK_DUE_OFFSETS)
        due = max((closed[-1] if closed else self.now) + timedelta(days=days), scenario.created_at + timedelta(days=1))
        if "interview" in scenario.title.lower() or self.rng.random() < 0.1:
            scenario.due_at = self.working_hour(due).replace(minute=self.rng.choice((0, 30)), second=0, microsecond=0)
        else:
            scenario.due_date = due.date()
