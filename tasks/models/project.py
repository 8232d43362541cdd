from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import User
from core.db import uuid7
from core.validators import validate_single_line


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: User) -> Self:
        """Return the projects that a user sees."""
        return self.visible_to_id(user.pk, as_staff=user.is_staff_or_admin)

    def visible_to_id(self, user_id: Any, *, as_staff: bool) -> Self:
        """Return a user's projects; with `as_staff`, for staff and administrators, also all others but inboxes."""
        # A subquery instead of a join: the rows of a join would have to be made distinct again.
        joined = Project.objects.filter(memberships__user=user_id).values("pk")
        if as_staff:
            return self.filter(Q(is_inbox=False) | Q(pk__in=joined))
        return self.filter(pk__in=joined)

    def current(self) -> Self:
        """Return the projects that are not archived."""
        return self.filter(archived_at=None)


PROJECT_KEY_VALIDATOR = RegexValidator(
    r"\A[A-Z][A-Z0-9]{1,9}\Z", "A key is 2 to 10 capital letters and digits, and begins with a letter."
)
MAX_WIP_LIMIT = 999
COLOUR_VALIDATOR = RegexValidator(r"\A#[0-9a-f]{6}\Z", "A colour is written like #3d52d5.")


class Category(models.TextChoices):
    """Meaning of a state for statistics and for open and closed tasks."""

    TODO = "todo", gettext_lazy("To do")
    IN_PROGRESS = "in_progress", gettext_lazy("In progress")
    DONE = "done"
    CANCELLED = "cancelled"


class Role(models.TextChoices):
    """Role in a project. Each permits what those before it permit."""

    VIEWER = "viewer", gettext_lazy("Viewer")
    COMMENTER = "commenter", gettext_lazy("Commenter")
    EDITOR = "editor", gettext_lazy("Editor")
    ADMIN = "admin", gettext_lazy("Admin")


class WipPolicy(models.TextChoices):
    """Treatment of a task that enters a full state."""

    WARN = "warn", gettext_lazy("Warn")
    REFUSE = "refuse", gettext_lazy("Refuse")


class Project(models.Model):
    """A project: tasks and their members. `next_number` is the number of its next task."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Never changed: it is part of every link and of every mention of a task.
    key = models.CharField(max_length=10, unique=True, validators=[PROJECT_KEY_VALIDATOR])
    name = models.CharField(max_length=120, validators=[validate_single_line])
    description = models.TextField(blank=True, default="", max_length=20_000)
    is_inbox = models.BooleanField(default=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_projects")
    members: models.ManyToManyField[Any, ProjectMember] = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="ProjectMember", related_name="projects"
    )
    # A counter in the row, not a sequence: numbers have no gaps, since a rollback gives them back.
    next_number = models.PositiveIntegerField(default=1)
    wip_policy = models.CharField(
        max_length=6, choices=WipPolicy, default=WipPolicy.WARN, db_default=WipPolicy.WARN, verbose_name="WIP policy"
    )
    # See projects/nesting.py. Deleting a project moves those below it up.
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner"], condition=Q(is_inbox=True), name="a_user_has_one_inbox_project"),
            models.CheckConstraint(name="a_project_is_not_its_own_parent", condition=~Q(parent=F("id"))),
            models.CheckConstraint(name="a_wip_policy_is_known", condition=Q(wip_policy__in=WipPolicy.values)),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"


class ProjectMember(models.Model):
    """Membership of a user in a project.

    `role` is the user's own, null where only teams give one. Triggers maintain `effective_role`, the highest of all
    these, and the rows of team members.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="project_memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.EDITOR, null=True)
    # Set by a trigger before the row is written, see 0002_triggers.
    effective_role = models.CharField(max_length=10, choices=Role, default="", editable=False)
    version = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="a_user_is_in_a_project_once"),
            models.CheckConstraint(name="a_project_role_is_known", condition=Q(role__in=Role.values)),
            models.CheckConstraint(name="an_effective_role_is_known", condition=Q(effective_role__in=Role.values)),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.project_id}"


class State(models.Model):
    """A state (column) of a project's workflow."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="states")
    slug = models.SlugField(max_length=40)
    name = models.CharField(max_length=60, validators=[validate_single_line])
    category = models.CharField(max_length=12, choices=Category)
    position = models.PositiveSmallIntegerField(default=0)
    # Of tasks; null for no limit. See projects/wip_limits.py.
    wip_limit = models.PositiveSmallIntegerField(null=True, blank=True, verbose_name="WIP limit")
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "slug"], name="a_state_has_its_own_slug_in_a_project"),
            # Referenced by the composite foreign key of tasks, see 0002_triggers.
            models.UniqueConstraint(
                fields=["id", "project", "category"], name="a_state_can_be_referred_to_with_its_category"
            ),
            models.CheckConstraint(name="a_state_category_is_known", condition=Q(category__in=Category.values)),
            models.CheckConstraint(
                name="a_wip_limit_is_1_to_999",
                condition=Q(wip_limit=None) | Q(wip_limit__gte=1, wip_limit__lte=MAX_WIP_LIMIT),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Label(models.Model):
    """A label of a project. Names that differ in case only are one name."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(max_length=60, validators=[validate_single_line])
    colour = models.CharField(max_length=7, default="#5c6472", validators=[COLOUR_VALIDATOR])
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint("project", Lower("name"), name="a_label_has_its_own_name_in_a_project"),
        ]

    def __str__(self) -> str:
        return self.name
