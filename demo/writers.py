"""Store scenarios: the rows as they are now, and the events that led there, each with its own time."""

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
from core.markdown import make_excerpt, rendered_columns
from demo.personas import DemoProject
from demo.scenario import ScenarioStep, TaskScenario
from events.models import Event
from events.outbox import DomainEvent, build_event
from tasks import events
from tasks.items.fractional_indexing import initial_position
from tasks.models import Category, Comment, Label, Project, ProjectMember, Role, State, Task, TaskAssignee
from tasks.models.task import CLOSED_CATEGORIES

# Simpler than the real parser of mentions: handles of the personas are lower-case letters.
HANDLE_PATTERN = re.compile(r"@([a-z]+)")
MAX_EXCERPT_LENGTH = 280


@dataclass(slots=True)
class EventWriter:
    """Collects the events and rows of all projects and writes them in bulk."""

    events: list[Event] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    assignees: list[TaskAssignee] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    def add_event(self, event: DomainEvent, actor: User, at: datetime) -> None:
        self.events.append(build_event(event, actor=actor, at=at))

    def write(self) -> None:
        """Insert all rows, and the events in the order of their times."""
        Task.objects.bulk_create(self.tasks, batch_size=500)
        TaskAssignee.objects.bulk_create(self.assignees, batch_size=1000)
        Task.labels.through.objects.bulk_create(self.labels, batch_size=1000)
        Comment.objects.bulk_create(self.comments, batch_size=500)
        # The relay gives positions in the order of ids, so the log reads in the order of time.
        Event.objects.bulk_create(sorted(self.events, key=lambda event: event.occurred_at), batch_size=500)


def write_project(plan: DemoProject, users: dict[str, User], created_at: datetime, writer: EventWriter) -> Project:
    """Create a project with its members, states and labels."""
    owner_handle, *editor_handles = plan.member_handles
    owner = users[owner_handle]
    project = Project.objects.create(
        key=plan.key,
        name=plan.name,
        description=plan.description,
        owner=owner,
        created_at=created_at,
        updated_at=created_at,
    )
    payload = events.project_payload(project)
    writer.add_event(events.ProjectCreated(project=payload), owner, created_at)
    ProjectMember.objects.create(project=project, user=owner, role=Role.ADMIN, created_at=created_at)
    for handle in editor_handles:
        user = users[handle]
        ProjectMember.objects.create(project=project, user=user, role=Role.EDITOR, created_at=created_at)
        added = events.MemberAdded(project=payload, user_id=str(user.pk), role=Role.EDITOR)
        writer.add_event(added, owner, created_at)
    State.objects.bulk_create(
        State(project=project, slug=slugify(name).replace("-", "_"), name=name, category=category, position=position)
        for position, (name, category) in enumerate(plan.workflow.states)
    )
    Label.objects.bulk_create(Label(project=project, name=name, colour=colour) for name, colour in plan.labels)
    return project


class ScenarioWriter:
    """Turns the scenarios of one project into rows and events."""

    def __init__(self, project: Project, users: dict[str, User], now: datetime, event_writer: EventWriter) -> None:
        self.project = project
        self.users = users
        self.now = now
        self.event_writer = event_writer
        self.states = {state.name: state for state in State.objects.filter(project=project).order_by("position")}
        self.labels = {label.name: label for label in Label.objects.filter(project=project)}

    def write(self, scenarios: Sequence[TaskScenario]) -> None:
        # Scenarios are mutable and so not hashable; parents come before their subtasks.
        tasks: dict[int, Task] = {}
        for number, scenario in enumerate(scenarios, start=1):
            parent = tasks.get(id(scenario.parent))
            tasks[id(scenario)] = TaskWriter(self, scenario, number, parent).write()
        Project.objects.filter(pk=self.project.pk).update(next_number=len(scenarios) + 1)


class TaskWriter:
    """Applies the steps of one scenario to its task, one after the other."""

    def __init__(
        self, scenario_writer: ScenarioWriter, scenario: TaskScenario, number: int, parent: Task | None
    ) -> None:
        self.now = scenario_writer.now
        self.users = scenario_writer.users
        self.states = scenario_writer.states
        self.labels = scenario_writer.labels
        self.event_writer = scenario_writer.event_writer
        self.scenario = scenario
        self.assignee_ids: set[UUID] = set()
        self.commenter_ids: set[UUID] = set()
        first_state = next(iter(self.states.values()))
        self.task = Task(
            project=scenario_writer.project,
            number=number,
            title=scenario.title,
            **rendered_columns("description", scenario.description),
            state=first_state,
            category=first_state.category,
            priority=scenario.priority,
            position=initial_position(number),
            due_date=scenario.due_date,
            due_at=scenario.due_at,
            estimate=scenario.estimate,
            parent=parent,
            creator=self.users[scenario.creator],
            created_at=scenario.created_at,
            updated_at=scenario.created_at,
        )

    def write(self) -> Task:
        """Hand the task's rows and events to the event writer, and return the task."""
        created = events.TaskCreated(task=self.payload())
        self.event_writer.add_event(created, self.task.creator, self.scenario.created_at)
        for step in self.scenario.steps:
            {"assigned": self.assign, "moved": self.move, "commented": self.comment}[step.kind](step)
        self.add_rows()
        return self.task

    def payload(self) -> events.TaskPayload:
        return events.task_payload(self.task, assignee_ids=self.assignee_ids, labels=self.scenario.labels)

    def update(self, step: ScenarioStep, changes: dict[str, list[Any]]) -> events.TaskPayload:
        """Raise the version, publish the changes, and return the task's payload."""
        # As the service does, because the statistics ignore states that are not newer.
        self.task.version += 1
        self.task.updated_at = step.at
        payload = self.payload()
        self.event_writer.add_event(events.TaskUpdated(task=payload, changes=changes), self.users[step.actor], step.at)
        return payload

    def assign(self, step: ScenarioStep) -> None:
        user = self.users[step.value]
        before, self.assignee_ids = sorted(map(str, self.assignee_ids)), {user.pk}
        payload = self.update(step, {"assignees": [before, [str(user.pk)]]})
        assigned = events.TaskAssigned(task=payload, assignee_id=str(user.pk))
        self.event_writer.add_event(assigned, self.users[step.actor], step.at)

    def move(self, step: ScenarioStep) -> None:
        task, previous, was_closed = self.task, self.task.state, self.task.is_closed
        task.state = self.states[step.value]
        task.category = task.state.category
        if task.category == Category.IN_PROGRESS and task.started_at is None:
            task.started_at = step.at
        task.closed_at = step.at if task.category in CLOSED_CATEGORIES else None
        payload = self.update(step, {"status": [previous.slug, task.state.slug]})
        actor = self.users[step.actor]
        if task.category == Category.DONE:
            self.event_writer.add_event(events.TaskCompleted(task=payload), actor, step.at)
        elif was_closed and not task.is_closed:
            self.event_writer.add_event(events.TaskReopened(task=payload), actor, step.at)

    def comment(self, step: ScenarioStep) -> None:
        author = self.users[step.actor]
        comment = Comment(task=self.task, author=author, created_at=step.at, **rendered_columns("body", step.value))
        self.event_writer.comments.append(comment)
        mentioned = {self.users[handle].pk for handle in HANDLE_PATTERN.findall(step.value)}
        audience = (self.assignee_ids | self.commenter_ids | {self.task.creator_id}) - {author.pk}
        self.commenter_ids.add(author.pk)
        commented = events.TaskCommented(
            task=self.payload(),
            comment_id=str(comment.pk),
            excerpt=make_excerpt(step.value, MAX_EXCERPT_LENGTH),
            mentioned_ids=sorted(map(str, mentioned)),
            audience_ids=sorted(map(str, audience)),
        )
        self.event_writer.add_event(commented, author, step.at)

    def add_rows(self) -> None:
        """Collect the task's final rows; a task due soon is marked as announced, so that no reminder follows."""
        task = self.task
        announced_until = self.now + settings.DUE_SOON_WITHIN + timedelta(hours=1)
        if task.due_at and task.due_at <= announced_until:
            task.due_soon_notified_for = task.due_at
        reminded_of = task.due_date if task.due_date and task.due_date <= announced_until.date() else None
        self.event_writer.tasks.append(task)
        self.event_writer.assignees += [
            TaskAssignee(task=task, user_id=user_id, reminded_of=reminded_of) for user_id in self.assignee_ids
        ]
        TaskLabel = Task.labels.through  # noqa: N806 -- a model class
        self.event_writer.labels += [
            TaskLabel(task_id=task.pk, label_id=self.labels[name].pk) for name in self.scenario.labels
        ]
