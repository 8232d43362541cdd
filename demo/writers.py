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
from demo.personas import DemoProject
from demo.scenario import ScenarioStep, TaskScenario
from events.models import Event
from events.outbox import DomainEvent, build_event
from tasks import events
from tasks.items.fractional_indexing import initial_position
from tasks.models import Category, Comment, Label, Project, ProjectMember, Role, State, Task, TaskAssignee
from tasks.models.task import CLOSED_CATEGORIES

HANDLE_PATTERN = re.compile(r"@([a-z]+)")
MAX_EXCERPT_LENGTH = 280


@dataclass(slots=True)
class EventWriter:
    """What is to be written, over all projects."""

    events: list[Event] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    people: list[TaskAssignee] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    def add_event(self, fact: DomainEvent, actor: User, at: datetime) -> None:
        self.events.append(build_event(fact, actor=actor, at=at))

    def write(self) -> None:
        """Write all rows; the facts in the order in which they happened."""
        Task.objects.bulk_create(self.tasks, batch_size=500)
        TaskAssignee.objects.bulk_create(self.people, batch_size=1000)
        Task.labels.through.objects.bulk_create(self.labels, batch_size=1000)
        Comment.objects.bulk_create(self.comments, batch_size=500)
        Event.objects.bulk_create(sorted(self.events, key=lambda event: event.occurred_at), batch_size=500)


def write_project(plan: DemoProject, people: dict[str, User], began: datetime, event_writer: EventWriter) -> Project:
    """Create a project with its members, states and labels, as it was on its first day."""
    owner = people[plan.member_handles[0]]
    project = Project.objects.create(
        key=plan.key, name=plan.name, description=plan.description, owner=owner, created_at=began, updated_at=began
    )
    words = events.project_payload(project)
    event_writer.add_event(events.ProjectCreated(project=words), owner, began)
    for handle in plan.member_handles:
        role = Role.ADMIN if handle == plan.member_handles[0] else Role.EDITOR
        ProjectMember.objects.create(project=project, user=people[handle], role=role, created_at=began)
        if handle != plan.member_handles[0]:
            event_writer.add_event(
                events.MemberAdded(project=words, user_id=str(people[handle].pk), role=role), owner, began
            )
    State.objects.bulk_create(
        State(project=project, slug=slugify(name).replace("-", "_"), name=name, category=category, position=place)
        for place, (name, category) in enumerate(plan.workflow.states)
    )
    Label.objects.bulk_create(Label(project=project, name=name, colour=colour) for name, colour in plan.labels)
    return project


class ScenarioWriter:
    """Turns the stories of one project into rows and facts."""

    def __init__(self, project: Project, people: dict[str, User], now: datetime, event_writer: EventWriter) -> None:
        self.project = project
        self.people = people
        self.now = now
        self.event_writer = event_writer
        self.states = {state.name: state for state in State.objects.filter(project=project).order_by("position")}
        self.labels = {label.name: label for label in Label.objects.filter(project=project)}

    def write(self, stories: Sequence[TaskScenario]) -> None:
        tasks: dict[int, Task] = {}
        for number, scenario in enumerate(stories, start=1):
            parent = tasks.get(id(scenario.parent))
            tasks[id(scenario)] = TaskWriter(self, scenario, number, parent).write()
        Project.objects.filter(pk=self.project.pk).update(next_number=len(stories) + 1)


class TaskWriter:
    """One task, step by step."""

    def __init__(
        self, scenario_writer: ScenarioWriter, scenario: TaskScenario, number: int, parent: Task | None
    ) -> None:
        self.scenario_writer = scenario_writer
        self.event_writer = scenario_writer.event_writer
        self.scenario = scenario
        self.assignees: set[UUID] = set()
        self.commenters: set[UUID] = set()
        first = next(iter(scenario_writer.states.values()))
        self.task = Task(
            project=scenario_writer.project,
            number=number,
            title=scenario.title,
            description=scenario.description,
            state=first,
            category=first.category,
            priority=scenario.priority,
            position=initial_position(number),
            due_date=scenario.due_date,
            due_at=scenario.due_at,
            estimate=scenario.estimate,
            parent=parent,
            creator=scenario_writer.people[scenario.creator],
            created_at=scenario.created_at,
            updated_at=scenario.created_at,
        )

    def write(self) -> Task:
        self.event_writer.add_event(events.TaskCreated(task=self.state()), self.task.creator, self.scenario.created_at)
        for step in self.scenario.steps:
            {"assigned": self.assign, "moved": self.move, "commented": self.comment}[step.kind](step)
        self.collect_rows()
        return self.task

    def state(self) -> events.TaskPayload:
        return events.task_payload(self.task, assignee_ids=self.assignees, labels=self.scenario.labels)

    def change(self, step: ScenarioStep, changes: dict[str, list[Any]]) -> events.TaskPayload:
        self.task.version += 1
        self.task.updated_at = step.at
        state = self.state()
        self.event_writer.add_event(
            events.TaskUpdated(task=state, changes=changes), self.scenario_writer.people[step.actor], step.at
        )
        return state

    def assign(self, step: ScenarioStep) -> None:
        user = self.scenario_writer.people[step.what]
        before, self.assignees = sorted(map(str, self.assignees)), {user.pk}
        state = self.change(step, {"assignees": [before, [str(user.pk)]]})
        actor = self.scenario_writer.people[step.actor]
        self.event_writer.add_event(events.TaskAssigned(task=state, assignee_id=str(user.pk)), actor, step.at)

    def move(self, step: ScenarioStep) -> None:
        task, before, was_closed = self.task, self.task.state, self.task.is_closed
        task.state = self.scenario_writer.states[step.what]
        task.category = task.state.category
        if task.category == Category.IN_PROGRESS and task.started_at is None:
            task.started_at = step.at
        task.closed_at = step.at if task.category in CLOSED_CATEGORIES else None
        state = self.change(step, {"status": [before.slug, task.state.slug]})
        actor = self.scenario_writer.people[step.actor]
        if task.category == Category.DONE:
            self.event_writer.add_event(events.TaskCompleted(task=state), actor, step.at)
        elif was_closed and not task.is_closed:
            self.event_writer.add_event(events.TaskReopened(task=state), actor, step.at)

    def comment(self, step: ScenarioStep) -> None:
        author = self.scenario_writer.people[step.actor]
        comment = Comment(task=self.task, author=author, body=step.what, created_at=step.at)
        self.event_writer.comments.append(comment)
        mentioned = {self.scenario_writer.people[handle].pk for handle in HANDLE_PATTERN.findall(step.what)}
        audience = (self.assignees | self.commenters | {self.task.creator_id}) - {author.pk}
        self.commenters.add(author.pk)
        fact = events.TaskCommented(
            task=self.state(),
            comment_id=str(comment.pk),
            excerpt=step.what[:MAX_EXCERPT_LENGTH],
            mentioned_ids=sorted(map(str, mentioned)),
            audience_ids=sorted(map(str, audience)),
        )
        self.event_writer.add_event(fact, author, step.at)

    def collect_rows(self) -> None:
        """Take the task as it is now; what is due within the hours to come counts as announced."""
        due = self.task.due
        if (
            due
            and not self.task.is_closed
            and due <= self.scenario_writer.now + settings.DUE_SOON_WITHIN + timedelta(hours=1)
        ):
            self.task.due_soon_notified_for = due
        self.event_writer.tasks.append(self.task)
        self.event_writer.people += [TaskAssignee(task=self.task, user_id=key) for key in self.assignees]
        link = Task.labels.through
        self.event_writer.labels += [
            link(task_id=self.task.pk, label_id=self.scenario_writer.labels[name].pk) for name in self.scenario.labels
        ]
