"""Tasks and their assignees. Visibility is a subquery of the user's own memberships, never a join."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from core.db import uuid7
from core.markdown import stored_or_rendered
from core.sql_templates import EqualsAny, any_of, equals_outer_pk
from core.time_zones import NextDay, StartOfDay
from core.validators import validate_not_blank
from tasks.events import TaskPayload, task_payload
from tasks.models.due_dates import STARTS_BEFORE_DUE, due_instant
from tasks.models.project import Category, Label, Project, ProjectMember, State
from tasks.models.search import fold, search_rows, search_vector
from tasks.models.section import Section
from tasks.models.task_indexes import RANGE_INDEXES

if TYPE_CHECKING:
    from accounts.models import User

CLOSED_CATEGORIES = ("done", "cancelled")
TASK_KEY_PATTERN = re.compile(r"([A-Za-z][A-Za-z0-9]{1,9})-([1-9][0-9]{0,8})\Z", re.ASCII)


class TaskQuerySet(models.QuerySet["Task"]):
    """Tasks by visibility, filters and references. Conditions are subqueries, so no task appears twice."""

    def visible_to(self, user: User) -> Self:
        """Return the tasks that a user may read."""
        return self.visible_to_id(user.pk, as_staff=user.is_staff_or_admin, guest=user.is_guest)

    def visible_to_id(self, user_id: Any, *, as_staff: bool, guest: bool = False) -> Self:
        """Return the tasks of the projects a user sees; for a guest also tasks shared one by one.

        Only guests, who have such shares, pay for looking them up.
        """
        project_ids = ProjectMember.objects.filter(user=user_id).values("project")
        if as_staff:
            in_projects = Q(project__in=Project.objects.visible_to_id(user_id, as_staff=True).values("pk"))
        elif guest:  # as an array, so that one index is read for the projects and one for the tasks
            in_projects = Q(EqualsAny("project_id", ArraySubquery(project_ids)))
        else:
            in_projects = Q(project__in=project_ids)
        return self.filter(in_projects | self._shared_with(user_id) if guest else in_projects)

    def shared_with(self, user_id: Any) -> Self:
        """Return the tasks shared with a user one by one."""
        return self.filter(self._shared_with(user_id))

    def _shared_with(self, user_id: Any) -> Q:
        shares: Any = Task._meta.get_field("shares").related_model  # defined in a module that imports this one
        return Q(EqualsAny("pk", ArraySubquery(shares.objects.filter(user=user_id).values("task"))))

    def open(self) -> Self:
        """Return the tasks that are neither done nor cancelled."""
        return self.filter(closed_at=None)

    def overdue(self, now: datetime, today: date, *, value: bool = True) -> Self:
        """Return the overdue tasks, or with `value=False` all others."""
        overdue = self.open().filter(Q(due_at__lt=now) | Q(due_date__lt=today))
        return overdue if value else self.exclude(pk__in=overdue.order_by().values("pk"))

    def in_categories(self, names: list[str]) -> Self:
        """Return the tasks whose states are of these categories."""
        # All of the open ones are the open tasks, which an index holds; PostgreSQL would read every row for its category.
        if set(names) == set(Category.values) - set(CLOSED_CATEGORIES):
            return self.open()
        tasks = self.filter(category__in=names)
        # Without a closed category all are open; saying so lets PostgreSQL use the index of open tasks.
        return tasks if set(names) & set(CLOSED_CATEGORIES) else tasks.open()

    def due_from(self, day: Any, zone: Any) -> Self:
        """Return the tasks that are due on this day of the time zone or later."""
        return self.filter(Q(due_at__gte=StartOfDay(day, zone)) | Q(due_date__gte=day))

    def due_until(self, day: Any, zone: Any) -> Self:
        return self.filter(Q(due_at__lt=StartOfDay(NextDay(day), zone)) | Q(due_date__lte=day))

    def with_due_instant(self, zone: Any) -> Self:
        """Annotate when the tasks become overdue: at their instant, or when their day ends in the time zone."""
        return self.annotate(due_instant=due_instant(zone))

    def assigned_to(self, user_ids: list[Any]) -> Self:
        """Return the tasks assigned to any of these users; `none` among them stands for unassigned tasks."""
        assignments = TaskAssignee.objects.all()
        condition = Q()
        if ids := [user_id for user_id in user_ids if user_id != "none"]:
            # unnest(ARRAY(...)) evaluates the subquery first. Left to itself PostgreSQL would walk all tasks in the
            # requested order until enough of them match, which for a user with few tasks is the whole table.
            task_ids = ArraySubquery(assignments.filter(any_of("user", ids)).values("task"))
            template = "SELECT unnest(%(expressions)s)"
            condition = Q(pk__in=Func(task_ids, template=template, output_field=models.UUIDField()))
        if "none" in user_ids:
            condition |= Q(~Exists(assignments.filter(equals_outer_pk("task_id"))))
        return self.filter(condition)

    def created_by(self, user_ids: list[Any]) -> Self:
        return self.filter(any_of("creator", user_ids))

    def with_parent(self, parent: Any, *, guest: Any = None) -> Self:
        """Return the subtasks of a parent; with `none` the tasks without one that the guest sees."""
        if guest is None:
            return self.filter(parent=None if parent == "none" else parent)
        visible = Task.objects.visible_to_id(guest, as_staff=False, guest=True)
        if parent == "none":
            return self.filter(Q(parent=None) | Q(~Exists(visible.filter(pk=OuterRef("parent")))))
        return self.filter(Exists(visible.filter(pk=parent)), parent=parent)

    def with_labels(self, names: list[str]) -> Self:
        """Return the tasks with any of these labels."""
        return self.filter(Exists(Task.labels.through.objects.filter(task=OuterRef("pk"), label__name__in=names)))

    def search(self, text: str, candidates: list[Any] | None = None) -> Self:
        """Return the tasks of a key, with the words of a text, or nearly so."""
        key = TASK_KEY_PATTERN.match(text.strip())
        if key and (tasks := self.by_ref((key[1].upper(), int(key[2])))).exists():
            return tasks  # otherwise a former key, or words: "covid-19" looks like a key too
        if key and (former := self.by_former_key((key[1].upper(), int(key[2])))).exists():
            return former
        comments: Any = Task._meta.get_field("comments").related_model  # defined in a module that imports this one
        return search_rows(self, Task.objects, comments.objects, text, candidates)

    def with_relations(self) -> Self:
        """Load what a page or event shows of each task, with three queries."""
        assignees = models.Prefetch("assignees", get_user_model().objects.order_by("name", "pk"))
        related = self.select_related("project", "state", "section", "creator", "parent__project")
        related = related.defer("search", "parent__search")
        return related.prefetch_related(assignees, "labels")

    def by_ref(self, ref: UUID | tuple[str, int]) -> Self:
        """Return the task of this id, or of this project key and number."""
        if isinstance(ref, tuple):
            return self.filter(project__key=ref[0], number=ref[1])
        return self.filter(pk=ref)

    def by_former_key(self, ref: tuple[str, int]) -> Self:
        """Return the task that had this key before it was moved to another project."""
        return self.filter(former_keys__project_key=ref[0], former_keys__number=ref[1])


class Priority(models.IntegerChoices):
    NONE = 0, gettext_lazy("None")
    LOW = 1, gettext_lazy("Low")
    MEDIUM = 2, gettext_lazy("Medium")
    HIGH = 3, gettext_lazy("High")
    URGENT = 4, gettext_lazy("Urgent")


PRIORITY_NAMES = [priority.name.lower() for priority in Priority]


class Task(models.Model):
    """A task. `category` repeats the state's; a composite foreign key keeps the two equal."""

    # Fields that callers write as they are: what services, events, forms and exports list.
    SCALAR_FIELDS: ClassVar = ("title", "description", "priority", "start_date", "due_date", "due_at", "estimate")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No index of its own for these foreign keys: the indexes below begin with them, another would only cost writes.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    number = models.PositiveIntegerField(editable=False)
    title = models.CharField(max_length=500, validators=[validate_not_blank])
    description = models.TextField(blank=True, default="", max_length=50_000)
    # The description as `core.markdown` of this version renders it; 0 for none.
    description_html = models.TextField(default="", db_default="", editable=False)
    description_html_version = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    state = models.ForeignKey(State, on_delete=models.RESTRICT, related_name="tasks", db_index=False)
    category = models.CharField(max_length=12, choices=Category, default=Category.TODO)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NONE)
    # In the collation C the order of texts is that of the positions; see items/fractional_indexing.py.
    position = models.CharField(max_length=200, db_collation="C")
    start_date = models.DateField(null=True, blank=True)
    due_date = models.DateField(null=True, blank=True, help_text="All day.")
    due_at = models.DateTimeField(null=True, blank=True, help_text="Date and time.")
    estimate = models.PositiveIntegerField(
        null=True, blank=True, validators=[MaxValueValidator(1_000_000)], help_text="Minutes."
    )
    parent = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="subtasks", db_index=False
    )
    # A composite foreign key keeps the section in the task's own project.
    section = models.ForeignKey(
        Section, on_delete=models.SET_NULL, null=True, blank=True, related_name="tasks", db_index=False
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
    # Repeats the existence of a row, so that a list of tasks shows it without a query.
    is_recurring = models.BooleanField(default=False, db_default=False, editable=False)
    due_soon_notified_for = models.DateTimeField(null=True, blank=True, editable=False)
    search = models.GeneratedField(
        expression=search_vector("title", "description"), output_field=SearchVectorField(), db_persist=True
    )
    # The migration gives it the collation of a dictionary where PostgreSQL has one; see 0005_search.
    title_key = models.GeneratedField(expression=fold("title"), output_field=models.TextField(), db_persist=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="a_task_has_its_own_number_in_a_project"),
            # Deferred, since giving every task of a project a new position passes through equal ones.
            models.UniqueConstraint(
                fields=["project", "position"],
                name="a_task_has_its_own_position_in_a_project",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                name="a_task_is_due_on_a_day_or_at_an_instant_not_both", condition=Q(due_date=None) | Q(due_at=None)
            ),
            models.CheckConstraint(name="a_task_starts_before_it_is_due", condition=STARTS_BEFORE_DUE),
            models.CheckConstraint(
                name="a_task_is_closed_when_done_or_cancelled",
                condition=Q(category__in=CLOSED_CATEGORIES, closed_at__isnull=False)
                | (~Q(category__in=CLOSED_CATEGORIES) & Q(closed_at=None)),
            ),
            models.CheckConstraint(name="a_priority_is_0_to_4", condition=Q(priority__lte=4)),
            models.CheckConstraint(name="a_title_is_not_empty", condition=~Q(title="")),
            models.CheckConstraint(name="a_task_is_not_its_own_parent", condition=~Q(parent=F("id"))),
        ]
        # The first nine hold the tasks of a project, of a state, and for staff of all projects, in the orders that a
        # list has most often. They end with the id, by which a cursor breaks ties. See items/index_queries.py.
        indexes = [
            models.Index(fields=["project", "-created_at", "-id"], name="task_project_created"),
            models.Index(fields=["-created_at", "-id"], name="task_created"),
            models.Index(fields=["project", "-updated_at", "-id"], name="task_project_updated"),
            # Filters by these columns read the index alone, in the order of the list.
            models.Index(
                fields=["state", "-created_at", "-id"],
                include=["priority", "due_at", "due_date", "closed_at"],
                name="task_state_created",
            ),
            models.Index(fields=["state", "-updated_at", "-id"], name="task_state_updated"),
            models.Index(fields=["state", "due_date", "due_at", "id"], name="task_state_due"),
            models.Index(fields=["state", "position"], name="task_state_position"),
            models.Index(fields=["-updated_at", "-id"], name="task_updated"),
            models.Index(
                fields=["project", "-created_at", "-id"], condition=Q(closed_at=None), name="task_project_open"
            ),
            # Open tasks only: no other task can be overdue or due soon.
            models.Index(fields=["due_at"], condition=Q(closed_at=None, due_at__isnull=False), name="task_due_at"),
            models.Index(
                fields=["due_date"], condition=Q(closed_at=None, due_date__isnull=False), name="task_due_date"
            ),
            *RANGE_INDEXES,
            models.Index(fields=["creator", "-created_at"], name="task_creator"),
            models.Index(fields=["section"], condition=Q(section__isnull=False), name="task_section"),
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="task_parent"),
            GinIndex(fields=["search"], name="task_search"),
            GinIndex(fields=["title_key"], opclasses=["gin_trgm_ops"], name="task_title_trigram"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    @property
    def key(self) -> str:
        return f"{self.project.key}-{self.number}"

    def payload(self) -> TaskPayload:
        """Return the state of the task for an event; its relations must be loaded."""
        assignee_ids = [user.pk for user in self.assignees.all()]
        return task_payload(self, assignee_ids=assignee_ids, labels=[label.name for label in self.labels.all()])

    @property
    def html(self) -> SafeString:
        return stored_or_rendered(self.description_html, self.description_html_version, self.description)

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None

    def is_overdue(self, now: datetime, today: date) -> bool:
        if self.is_closed:
            return False
        return (self.due_at is not None and self.due_at < now) or (self.due_date is not None and self.due_date < today)


class TaskAssignee(models.Model):
    """Assignment of a task to a user.

    A trigger copies the task's `created_at`, which never changes, so that an index holds a user's tasks in list order.
    """

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="assignments", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="assignments", db_index=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    task_created_at = models.DateTimeField(editable=False)
    reminded_of = models.DateField(null=True, editable=False, help_text="The due date of the last reminder.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "user"], name="a_task_is_assigned_once_to_a_user")]
        indexes = [models.Index(fields=["user", "-task_created_at", "-task"], name="assignee_user_created")]

    def __str__(self) -> str:
        return f"{self.task_id} to {self.user_id}"
