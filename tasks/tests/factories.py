"""Factories of minimal valid rows, written straight to the tables: no events are published."""

from __future__ import annotations

from datetime import time, timedelta

import factory
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.models import User
from accounts.tests.factories import UserFactory
from events.outbox import publish
from tasks.events import TaskUpdated
from tasks.items.fractional_indexing import initial_position
from tasks.models import (
    BulkJob,
    ChecklistItem,
    Comment,
    CustomField,
    CustomFieldOption,
    CustomFieldValue,
    FilterMatch,
    FilterSubscription,
    ImportJob,
    Label,
    LinkShare,
    Occurrence,
    Project,
    ProjectField,
    ProjectMember,
    ProjectTeam,
    Reaction,
    Recurrence,
    Reminder,
    Role,
    SavedFilter,
    State,
    Task,
    TaskAssignee,
    TaskRelation,
    TaskShare,
    TaskWatch,
    TimeEntry,
    TrashEntry,
)
from tasks.projects.states import DEFAULT_STATES
from tasks.trash.storage import collect, discard
from tasks.undo.tokens import make_token


class ProjectFactory(DjangoModelFactory):
    """A project with the usual states, of which its owner is an admin."""

    class Meta:
        model = Project
        skip_postgeneration_save = True

    key = factory.Sequence(lambda n: f"P{n:05}")
    name = factory.LazyAttribute(lambda project: f"Project {project.key}")
    owner = factory.SubFactory(UserFactory)

    @factory.post_generation
    def add_owner_and_states(project, create, _extracted, **_kwargs):  # noqa: N805 -- factory_boy passes the made object
        ProjectMember.objects.create(project=project, user=project.owner, role=Role.ADMIN)
        State.objects.bulk_create(
            State(project=project, slug=slug, name=name, category=category, position=index)
            for index, (slug, name, category) in enumerate(DEFAULT_STATES)
        )


class MemberFactory(DjangoModelFactory):
    class Meta:
        model = ProjectMember

    project = factory.SubFactory(ProjectFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.EDITOR


class ProjectTeamFactory(DjangoModelFactory):
    class Meta:
        model = ProjectTeam

    role = Role.EDITOR


class TaskShareFactory(DjangoModelFactory):
    """A share, which also makes its user a guest."""

    class Meta:
        model = TaskShare
        skip_postgeneration_save = True

    project = factory.LazyAttribute(lambda share: share.task.project)
    role = Role.VIEWER
    shared_by = factory.LazyAttribute(lambda share: share.task.project.owner)

    @factory.post_generation
    def mark_as_guest(share, create, _extracted, **_kwargs):  # noqa: N805 -- factory_boy passes the made object
        User.objects.filter(pk=share.user_id).update(is_guest=True)
        share.user.is_guest = True


class TaskFactory(DjangoModelFactory):
    """A task to do, with the project's next number."""

    class Meta:
        model = Task

    project = factory.SubFactory(ProjectFactory)
    number = factory.LazyAttribute(lambda task: next_number(task.project))
    title = factory.LazyAttribute(lambda task: f"Task {task.number}")
    state = factory.LazyAttribute(lambda task: task.project.states.get(slug="todo"))
    category = factory.LazyAttribute(lambda task: task.state.category)
    creator = factory.LazyAttribute(lambda task: task.project.owner)
    position = factory.LazyAttribute(lambda task: initial_position(task.number))


def next_number(project: Project) -> int:
    last = Task.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0
    Project.objects.filter(pk=project.pk).update(next_number=last + 2)
    return last + 1


class AssigneeFactory(DjangoModelFactory):
    class Meta:
        model = TaskAssignee


class LabelFactory(DjangoModelFactory):
    class Meta:
        model = Label

    project = factory.SubFactory(ProjectFactory)
    name = factory.Sequence(lambda n: f"label {n:04}")


class CommentFactory(DjangoModelFactory):
    class Meta:
        model = Comment

    task = factory.SubFactory(TaskFactory)
    author = factory.LazyAttribute(lambda comment: comment.task.creator)
    body = "Looks good."


class FieldFactory(DjangoModelFactory):
    """A text field, which stands in its project; without a project a shared field."""

    class Meta:
        model = CustomField
        skip_postgeneration_save = True

    key = factory.Sequence(lambda n: f"field_{n:04}")
    name = factory.LazyAttribute(lambda field: field.key.replace("_", " ").capitalize())
    kind = "text"
    project = None

    @factory.post_generation
    def add_to_project(field, create, _extracted, **_kwargs):  # noqa: N805 -- factory_boy passes the made object
        if field.project:
            position = ProjectField.objects.filter(project=field.project).count()
            ProjectField.objects.create(project=field.project, field=field, key=field.key, position=position)


class OptionFactory(DjangoModelFactory):
    class Meta:
        model = CustomFieldOption

    name = factory.LazyAttribute(lambda option: option.slug.capitalize())
    position = factory.LazyAttribute(lambda option: option.field.options.count())


class FieldValueFactory(DjangoModelFactory):
    class Meta:
        model = CustomFieldValue

    kind = factory.LazyAttribute(lambda value: value.field.kind)


class RecurrenceFactory(DjangoModelFactory):
    """A daily series by schedule, whose current task is due all day."""

    class Meta:
        model = Recurrence
        skip_postgeneration_save = True

    rule = "FREQ=DAILY"
    time_zone = "UTC"
    starts_on = factory.LazyAttribute(lambda recurrence: recurrence.task.due_date)
    occurs_on = factory.SelfAttribute("starts_on")

    @factory.post_generation
    def occurrence(self, create: bool, extracted: None, **_: object) -> None:
        """Note the task as the first of the series."""
        Occurrence.objects.create(recurrence=self, number=self.number, task=self.task, occurs_on=self.occurs_on)
        Task.objects.filter(pk=self.task.pk).update(is_recurring=True)


class ReminderFactory(DjangoModelFactory):
    class Meta:
        model = Reminder

    days_before = 1
    time = time(9)
    is_stale = True


class SavedFilterFactory(DjangoModelFactory):
    """A private filter of open tasks."""

    class Meta:
        model = SavedFilter

    name = factory.Sequence(lambda n: f"Filter {n:04}")
    filter = "state:open"


class FilterSubscriptionFactory(DjangoModelFactory):
    """A subscription to a filter of the user's own."""

    class Meta:
        model = FilterSubscription

    saved_filter = factory.SubFactory(SavedFilterFactory, owner=factory.SelfAttribute("..user"))


class FilterMatchFactory(DjangoModelFactory):
    """A task in a filter that `user` subscribes to."""

    class Meta:
        model = FilterMatch
        exclude = ("user",)

    user = factory.LazyAttribute(lambda match: match.task.creator)
    subscription = factory.SubFactory(FilterSubscriptionFactory, user=factory.SelfAttribute("..user"))


class TimeEntryFactory(DjangoModelFactory):
    """Half an hour of work; with `minutes=None, ended_at=None` a running timer."""

    class Meta:
        model = TimeEntry

    user = factory.LazyAttribute(lambda entry: entry.task.creator)
    started_at = factory.LazyFunction(lambda: timezone.now() - timedelta(minutes=30))
    ended_at = factory.LazyFunction(timezone.now)
    minutes = 30


class ImportJobFactory(DjangoModelFactory):
    """A large file that was checked and waits for its user."""

    class Meta:
        model = ImportJob

    source = "todoist"
    state = ImportJob.State.CHECKED
    data = b"TYPE,CONTENT,PRIORITY,INDENT\ntask,Imported,4,1\n"
    report = factory.LazyFunction(
        lambda: {
            "source": "todoist",
            "dry_run": True,
            "created": 1,
            "skipped": 0,
            "comments": 0,
            "warning_count": 0,
            "warnings": [],
        }
    )


class ChecklistItemFactory(DjangoModelFactory):
    class Meta:
        model = ChecklistItem

    task = factory.SubFactory(TaskFactory)
    text = factory.Sequence(lambda n: f"Step {n}")
    position = factory.LazyAttribute(lambda item: item.task.checklist.count())


class TaskRelationFactory(DjangoModelFactory):
    class Meta:
        model = TaskRelation

    source = factory.SubFactory(TaskFactory)
    target = factory.SubFactory(TaskFactory)
    kind = "blocks"


def make_trash_entry(project: Project, *, name: str = "obsolete") -> TrashEntry:
    """Delete a new label of the project into the trash."""
    label = LabelFactory(project=project, name=name)
    title, now = f"Label {name} of {project.key}", timezone.now()
    return discard(collect(label), kind="label", obj=label, title=title, project=project, actor=project.owner, now=now)


def make_undo_token(task: Task, actor: User) -> str:
    """Return the undo token of a change of the task's estimate."""
    event = TaskUpdated(task=task.payload(), changes={"estimate": [5, None]})
    # Rows of many tests are older than a token lives.
    with transaction.atomic():
        return make_token([publish(event, actor=actor, at=timezone.now() + timedelta(hours=1))])


class TaskWatchFactory(DjangoModelFactory):
    class Meta:
        model = TaskWatch

    task = factory.SubFactory(TaskFactory)
    user = factory.SubFactory(UserFactory)
    is_watching = True


class ReactionFactory(DjangoModelFactory):
    class Meta:
        model = Reaction

    task = factory.SubFactory(TaskFactory)
    user = factory.SubFactory(UserFactory)
    emoji = "👍"


class LinkShareFactory(DjangoModelFactory):
    class Meta:
        model = LinkShare

    task = factory.SubFactory(TaskFactory)
    creator = factory.SubFactory(UserFactory)


class BulkJobFactory(DjangoModelFactory):
    class Meta:
        model = BulkJob

    user = factory.SubFactory(UserFactory)
    state = BulkJob.State.DONE
    task_ids: list[str] = []
    changes = {"priority": 3}
    total = 2000
