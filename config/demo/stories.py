"""Ninety days of work, made up: what happens to each task and when. Pure, and the same for the same seed and now."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random

from config.demo.cast import DemoProject
from config.demo.phrases import DESCRIPTIONS, phrases_of
from config.demo.titles import Family, draw_titles

DAYS = 90
RHYTHM = (1.2, 1.3, 1.1, 1.0, 0.8, 0.1, 0.06)
EVENING = 18
OPEN_DUE = (-16, -9, -6, -4, -3, -2, -2, -1, 0, 1, 1, 2, 4, 5, 7, 9, 12, 16, 21, 30)
PRIORITIES = (0, 0, 1, 2, 2, 2, 3, 3, 4)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a task: `kind` is assigned, moved or commented, `what` a handle, a state, a text."""

    at: datetime
    kind: str
    who: str
    what: str


@dataclass(slots=True)
class Story:
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
    parent: Story | None = None
    steps: list[Step] = field(default_factory=list)


class Author:
    """Tells the stories of one project."""

    def __init__(self, project: DemoProject, now: datetime, rng: Random) -> None:
        self.project = project
        self.now = now
        self.rng = rng
        self.phrases = phrases_of(project.key)

    def tell(self) -> list[Story]:
        """Return the stories in the order of their creation."""
        titles = draw_titles(self.project.key, self.rng)
        stories = []
        for (title, family), at in zip(titles, sorted(self.creations(len(titles))), strict=True):
            story = self.story(title, family, at)
            stories.append(story)
            stories += [self.part(story, step, place) for place, step in enumerate(family.steps, start=1)]
        return sorted((story for story in stories if story.created_at < self.now), key=lambda story: story.created_at)

    def creations(self, count: int) -> list[datetime]:
        """More on working days than on Sundays, and a little more every week."""
        days = [self.now - timedelta(days=back) for back in range(DAYS, -1, -1)]
        weights = [RHYTHM[day.weekday()] * (1 + place / DAYS) for place, day in enumerate(days)]
        chosen = self.rng.choices(days, weights, k=count)
        return [min(self.office_hour(day), self.now - timedelta(minutes=self.rng.randint(5, 300))) for day in chosen]

    def office_hour(self, day: datetime) -> datetime:
        hour = self.rng.triangular(7.5, 17.5, 9.8)
        return datetime.combine(day.date(), time(0), day.tzinfo) + timedelta(hours=hour)

    def after(self, moment: datetime, days: float) -> datetime:
        """Return a moment in office hours about so many days later, rarely at a weekend."""
        later = moment + timedelta(days=days)
        if later.hour >= EVENING:
            later += timedelta(hours=24 - EVENING)
        if later.date() != moment.date():
            later = self.office_hour(later)
        while later.weekday() > 4 and self.rng.random() < 0.9:
            later += timedelta(days=1)
        return max(later, moment + timedelta(minutes=self.rng.randint(4, 50)))

    def story(self, title: str, family: Family, at: datetime) -> Story:
        priority = 4 if "incident" in family.labels and self.rng.random() < 0.5 else self.rng.choice(PRIORITIES)
        story = Story(
            title=title,
            creator=self.rng.choice(self.project.crew),
            created_at=at,
            priority=priority,
            description=self.rng.choice(DESCRIPTIONS),
            labels=family.labels,
            estimate=family.hours * 60 if self.rng.random() < 0.8 else None,
        )
        self.live(story, days=family.hours / 3.5)
        self.promise(story)
        return story

    def part(self, whole: Story, title: str, place: int) -> Story:
        """A part is written down soon after the whole and finished before it."""
        at = whole.created_at + timedelta(minutes=2 * place)
        part = Story(title=title, creator=whole.creator, created_at=at, priority=whole.priority, parent=whole)
        moves = [step for step in whole.steps if step.kind == "moved"]
        taken = [step for step in whole.steps if step.kind == "assigned"][:1]
        seen = moves if self.rng.random() < 0.85 else moves[:1]
        shifted = [replace(step, at=step.at + timedelta(minutes=place - 4)) for step in taken + seen]
        part.steps = sorted((step for step in shifted if step.at > at), key=lambda step: step.at)
        return part

    def live(self, story: Story, days: float) -> None:
        """Somebody takes it, works on it, asks, finishes; some tasks are dropped, some come back, some wait."""
        age = (self.now - story.created_at) / timedelta(days=DAYS)
        if self.rng.random() < 0.2 - 0.14 * age:
            self.leave(story)
            return
        worker = self.rng.choice(self.project.crew)
        taken = self.after(story.created_at, self.rng.expovariate(5 if story.priority == 4 else 1.2))
        self.add(story, taken, "assigned", story.creator, worker)
        for ready in self.project.workflow.named("todo")[1:]:
            self.add(story, taken + timedelta(minutes=2), "moved", story.creator, ready)
        if self.rng.random() < 0.07:
            self.end(story, self.after(taken, self.rng.uniform(1, 12)), worker, "cancelled")
            return
        started = self.after(taken, self.rng.expovariate(1.2))
        finished = self.work(story, started, worker, days * self.rng.lognormvariate(0, 0.6))
        if self.rng.random() < 0.07:
            self.come_back(story, finished, worker)

    def leave(self, story: Story) -> None:
        if self.rng.random() < 0.4:
            when = self.after(story.created_at, self.rng.uniform(0, 3))
            self.add(story, when, "assigned", story.creator, self.rng.choice(self.project.crew))
        if self.rng.random() < 0.2:
            self.say(story, self.after(story.created_at, self.rng.uniform(1, 9)), story.creator, "asked")

    def work(self, story: Story, started: datetime, worker: str, days: float) -> datetime:
        doing, *reviewing = self.project.workflow.named("in_progress")
        finished = self.after(started, days)
        self.add(story, started, "moved", worker, doing)
        if self.rng.random() < 0.35:
            self.say(story, started + timedelta(minutes=self.rng.randint(2, 30)), worker, "started")
        if self.rng.random() < 0.3:
            self.say(story, started + (finished - started) * 0.4, self.rng.choice([worker, story.creator]), "asked")
        if reviewing and self.rng.random() < 0.6:
            self.add(story, started + (finished - started) * 0.7, "moved", worker, self.rng.choice(reviewing))
        self.end(story, finished, worker, "done")
        return finished

    def end(self, story: Story, at: datetime, worker: str, category: str) -> None:
        self.add(story, at, "moved", worker, self.project.workflow.named(category)[0])
        if self.rng.random() < (0.8 if category == "cancelled" else 0.3):
            self.say(story, at + timedelta(minutes=self.rng.randint(1, 20)), worker, category)

    def come_back(self, story: Story, finished: datetime, worker: str) -> None:
        again = self.after(finished, self.rng.uniform(0.5, 4))
        self.add(story, again, "moved", story.creator, self.project.workflow.named("in_progress")[0])
        self.say(story, again + timedelta(minutes=3), story.creator, "reopened")
        self.end(story, self.after(again, self.rng.uniform(0.3, 5)), worker, "done")

    def say(self, story: Story, at: datetime, who: str, occasion: str) -> None:
        others = [handle for handle in self.project.crew if handle != who]
        self.add(
            story, at, "commented", who, self.rng.choice(self.phrases[occasion]).format(who=self.rng.choice(others))
        )

    def add(self, story: Story, at: datetime, kind: str, who: str, what: str) -> None:
        """What lies in the future has not happened."""
        if at < self.now:
            story.steps.append(Step(at, kind, who, what))

    def promise(self, story: Story) -> None:
        """Choose when it is due so that most of what is finished was in time and some of what is open is late."""
        if self.rng.random() > 0.68:
            return
        closing = [step.at for step in story.steps if step.kind == "moved" and step.what in self.closed_states()]
        days = self.rng.gauss(1.5, 3) if closing else self.rng.choice(OPEN_DUE)
        due = max((closing[-1] if closing else self.now) + timedelta(days=days), story.created_at + timedelta(days=1))
        if "interview" in story.title.lower() or self.rng.random() < 0.1:
            story.due_at = self.office_hour(due).replace(minute=self.rng.choice((0, 30)), second=0, microsecond=0)
        else:
            story.due_date = due.date()

    def closed_states(self) -> set[str]:
        return {*self.project.workflow.named("done"), *self.project.workflow.named("cancelled")}
