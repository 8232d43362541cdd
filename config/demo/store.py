"""Writes stories down: the rows as they are now, and the facts that led there, each with its own time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.text import slugify

from accounts.models import User
from config.demo.cast import DemoProject
from config.demo.stories import Step, Story
from events.models import Event
from events.publishing import Fact, as_event
from tasks import events
from tasks.models import Category, Comment, Label, Project, ProjectMember, Role, State, Task, TaskAssignee
from tasks.positions import at_end
from tasks.querysets import CLOSED

HANDLE = re.compile(r"@([a-z]+)")
EXCERPT = 280


@dataclass(slots=True)
class Ledger:
    """What is to be written, over all projects."""

    events: list[Event] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    people: list[TaskAssignee] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    def note(self, fact: Fact, actor: User, at: datetime) -> None:
        self.events.append(as_event(fact, actor=actor, at=at))

    def write(self) -> None:
        """Write all rows; the facts in the order in which they happened."""
        Task.objects.bulk_create(self.tasks, batch_size=500)
        TaskAssignee.objects.bulk_create(self.people, batch_size=1000)
        Task.labels.through.objects.bulk_create(self.labels, batch_size=1000)
        Comment.objects.bulk_create(self.comments, batch_size=500)
        Event.objects.bulk_create(sorted(self.events, key=lambda event: event.occurred_at), batch_size=500)


def write_project(plan: DemoProject, people: dict[str, User], began: datetime, ledger: Ledger) -> Project:
    """Create a project with its members, states and labels, as it was on its first day."""
    owner = people[plan.crew[0]]
    project = Project.objects.create(
        key=plan.key, name=plan.name, description=plan.description, owner=owner, created_at=began, updated_at=began
    )
    words = events.project_words(project)
    ledger.note(events.ProjectCreated(project=words), owner, began)
    for handle in plan.crew:
        role = Role.ADMIN if handle == plan.crew[0] else Role.EDITOR
        ProjectMember.objects.create(project=project, user=people[handle], role=role, created_at=began)
        if handle != plan.crew[0]:
            ledger.note(events.MemberAdded(project=words, user_id=str(people[handle].pk), role=role), owner, began)
    State.objects.bulk_create(
        State(project=project, slug=slugify(name).replace("-", "_"), name=name, category=category, position=place)
        for place, (name, category) in enumerate(plan.workflow.states)
    )
    Label.objects.bulk_create(Label(project=project, name=name, colour=colour) for name, colour in plan.labels)
    return project


class Chronicler:
    """Turns the stories of one project into rows and facts."""

    def __init__(self, project: Project, people: dict[str, User], now: datetime, ledger: Ledger) -> None:
        self.project = project
        self.people = people
        self.now = now
        self.ledger = ledger
        self.states = {state.name: state for state in State.objects.filter(project=project).order_by("position")}
        self.labels = {label.name: label for label in Label.objects.filter(project=project)}

    def write(self, stories: Sequence[Story]) -> None:
        tasks: dict[int, Task] = {}
        for number, story in enumerate(stories, start=1):
            parent = tasks.get(id(story.parent))
            tasks[id(story)] = _Life(self, story, number, parent).tell()
        Project.objects.filter(pk=self.project.pk).update(next_number=len(stories) + 1)


class _Life:
    """One task, step by step."""

    def __init__(self, chronicler: Chronicler, story: Story, number: int, parent: Task | None) -> None:
        self.chronicler = chronicler
        self.ledger = chronicler.ledger
        self.story = story
        self.assignees: set[UUID] = set()
        self.commenters: set[UUID] = set()
        first = next(iter(chronicler.states.values()))
        self.task = Task(
            project=chronicler.project,
            number=number,
            title=story.title,
            description=story.description,
            state=first,
            category=first.category,
            priority=story.priority,
            position=at_end(number),
            due_date=story.due_date,
            due_at=story.due_at,
            estimate=story.estimate,
            parent=parent,
            creator=chronicler.people[story.creator],
            created_at=story.created_at,
            updated_at=story.created_at,
        )

    def tell(self) -> Task:
        self.ledger.note(events.TaskCreated(task=self.state()), self.task.creator, self.story.created_at)
        for step in self.story.steps:
            {"assigned": self.assign, "moved": self.move, "commented": self.comment}[step.kind](step)
        self.keep()
        return self.task

    def state(self) -> events.TaskState:
        return events.state_of(self.task, assignee_ids=self.assignees, labels=self.story.labels)

    def change(self, step: Step, changes: dict[str, list[Any]]) -> events.TaskState:
        self.task.version += 1
        self.task.updated_at = step.at
        state = self.state()
        self.ledger.note(events.TaskUpdated(task=state, changes=changes), self.chronicler.people[step.who], step.at)
        return state

    def assign(self, step: Step) -> None:
        person = self.chronicler.people[step.what]
        before, self.assignees = sorted(map(str, self.assignees)), {person.pk}
        state = self.change(step, {"assignees": [before, [str(person.pk)]]})
        actor = self.chronicler.people[step.who]
        self.ledger.note(events.TaskAssigned(task=state, assignee_id=str(person.pk)), actor, step.at)

    def move(self, step: Step) -> None:
        task, before, was_closed = self.task, self.task.state, self.task.is_closed
        task.state = self.chronicler.states[step.what]
        task.category = task.state.category
        if task.category == Category.IN_PROGRESS and task.started_at is None:
            task.started_at = step.at
        task.closed_at = step.at if task.category in CLOSED else None
        state = self.change(step, {"status": [before.slug, task.state.slug]})
        actor = self.chronicler.people[step.who]
        if task.category == Category.DONE:
            self.ledger.note(events.TaskCompleted(task=state), actor, step.at)
        elif was_closed and not task.is_closed:
            self.ledger.note(events.TaskReopened(task=state), actor, step.at)

    def comment(self, step: Step) -> None:
        author = self.chronicler.people[step.who]
        comment = Comment(task=self.task, author=author, body=step.what, created_at=step.at)
        self.ledger.comments.append(comment)
        mentioned = {self.chronicler.people[handle].pk for handle in HANDLE.findall(step.what)}
        audience = (self.assignees | self.commenters | {self.task.creator_id}) - {author.pk}
        self.commenters.add(author.pk)
        fact = events.TaskCommented(
            task=self.state(),
            comment_id=str(comment.pk),
            excerpt=step.what[:EXCERPT],
            mentioned_ids=sorted(map(str, mentioned)),
            audience_ids=sorted(map(str, audience)),
        )
        self.ledger.note(fact, author, step.at)

    def keep(self) -> None:
        """Take the task as it is now; what is due within the hours to come counts as announced."""
        due = self.task.due
        if (
            due
            and not self.task.is_closed
            and due <= self.chronicler.now + settings.DUE_SOON_WITHIN + timedelta(hours=1)
        ):
            self.task.due_soon_told_for = due
        self.ledger.tasks.append(self.task)
        self.ledger.people += [TaskAssignee(task=self.task, user_id=key) for key in self.assignees]
        link = Task.labels.through
        self.ledger.labels += [
            link(task_id=self.task.pk, label_id=self.chronicler.labels[name].pk) for name in self.story.labels
        ]
