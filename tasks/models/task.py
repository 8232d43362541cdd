from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.db import uuid7
from tasks.models.project import Category, Label, Project, State
from tasks.querysets import CLOSED, CommentQuerySet, TaskQuerySet


class Priority(models.IntegerChoices):
    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    URGENT = 4


def in_words(name: str) -> models.Func:
    """PostgreSQL's text parser takes quadratic time for `_a_a…` and `~/~/…`; these two only part words here."""
    parted = (models.F(name), models.Value("_~"), models.Value("  "))
    return models.Func(*parted, function="TRANSLATE", output_field=models.TextField())


class Task(models.Model):
    """A piece of work. `category` repeats the state's (a composite key holds the two together)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The indexes below begin with the project, the state, the parent and the creator: one of their own would only cost
    # writes.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    number = models.PositiveIntegerField(editable=False)
    title = models.CharField(max_length=500)
    description = models.TextField(blank=True, default="", max_length=50_000)
    state = models.ForeignKey(State, on_delete=models.RESTRICT, related_name="tasks", db_index=False)
    category = models.CharField(max_length=12, choices=Category, default=Category.TODO)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NONE)
    position = models.CharField(max_length=200, db_collation="C")
    start_date = models.DateField(null=True, blank=True)
    due_date = models.DateField(null=True, blank=True, help_text="A whole day, wherever one is.")
    due_at = models.DateTimeField(null=True, blank=True, help_text="An instant.")
    estimate = models.PositiveIntegerField(
        null=True, blank=True, validators=[MaxValueValidator(1_000_000)], help_text="Minutes."
    )
    parent = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="subtasks", db_index=False
    )
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="created_tasks", db_index=False
    )
    assignees: models.ManyToManyField[Any, TaskAssignee] = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="TaskAssignee", related_name="assigned_tasks"
    )
    labels: models.ManyToManyField[Label, Any] = models.ManyToManyField(Label, related_name="tasks", blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True, help_text="First moved to a state in progress.")
    closed_at = models.DateTimeField(null=True, blank=True, help_text="Done or cancelled.")
    due_soon_told_for = models.DateTimeField(null=True, blank=True, editable=False)
    search = models.GeneratedField(
        expression=SearchVector(in_words("title"), weight="A", config="simple")
        + SearchVector(in_words("description"), weight="B", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="a_task_has_its_own_number_in_a_project"),
            models.UniqueConstraint(
                fields=["project", "position"],
                name="a_task_has_its_own_position_in_a_project",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                name="a_task_is_due_on_a_day_or_at_an_instant_not_both", condition=Q(due_date=None) | Q(due_at=None)
            ),
            models.CheckConstraint(
                name="a_task_is_closed_when_done_or_cancelled",
                condition=Q(category__in=CLOSED, closed_at__isnull=False)
                | (~Q(category__in=CLOSED) & Q(closed_at=None)),
            ),
            models.CheckConstraint(name="a_priority_is_0_to_4", condition=Q(priority__lte=4)),
            models.CheckConstraint(name="a_title_is_not_empty", condition=~Q(title="")),
            models.CheckConstraint(name="a_task_is_not_its_own_parent", condition=~Q(parent=F("id"))),
        ]
        indexes = [
            models.Index(fields=["project", "-created_at", "-id"], name="task_project_created"),
            models.Index(fields=["-created_at", "-id"], name="task_created"),
            models.Index(fields=["project", "-updated_at", "-id"], name="task_project_updated"),
            models.Index(fields=["state", "-created_at", "-id"], name="task_state_created"),
            models.Index(fields=["state", "-updated_at", "-id"], name="task_state_updated"),
            models.Index(fields=["state", "due_date", "id"], name="task_state_due"),
            models.Index(fields=["-updated_at", "-id"], name="task_updated"),
            models.Index(
                fields=["project", "-created_at", "-id"], condition=Q(closed_at=None), name="task_project_open"
            ),
            models.Index(fields=["due_at"], condition=Q(closed_at=None, due_at__isnull=False), name="task_due_at"),
            models.Index(
                fields=["due_date"], condition=Q(closed_at=None, due_date__isnull=False), name="task_due_date"
            ),
            models.Index(fields=["creator", "-created_at"], name="task_creator"),
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="task_parent"),
            GinIndex(fields=["search"], name="task_search"),
            GinIndex(fields=["title"], opclasses=["gin_trgm_ops"], name="task_title_typos"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    @property
    def key(self) -> str:
        return f"{self.project.key}-{self.number}"

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None

    @property
    def due(self) -> datetime | None:
        """The instant from which the task is overdue; a day ends with its last moment in UTC."""
        if self.due_at or self.due_date is None:
            return self.due_at
        return datetime.combine(self.due_date + timedelta(days=1), clock(), tzinfo=UTC)

    def is_overdue(self, now: datetime, today: date) -> bool:
        if self.is_closed:
            return False
        return (self.due_at is not None and self.due_at < now) or (self.due_date is not None and self.due_date < today)


class TaskAssignee(models.Model):
    """Who does a task. A trigger copies the task's `created_at`, which never changes: a person's tasks have an index in
    the order of a list."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="assignments", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments", db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    task_created_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "user"], name="a_task_is_assigned_once_to_a_person")]
        indexes = [models.Index(fields=["user", "-task_created_at", "-task"], name="assignee_newest")]

    def __str__(self) -> str:
        return f"{self.task_id} to {self.user_id}"


class Comment(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="comments")
    body = models.TextField(max_length=20_000)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["task", "id"], name="comment_thread")]
        constraints = [models.CheckConstraint(name="a_comment_is_not_empty", condition=~Q(body=""))]

    def __str__(self) -> str:
        return f"{self.author_id} on {self.task_id}"
