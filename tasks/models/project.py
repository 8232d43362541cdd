from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import User
from core.db import uuid7
from core.validators import validate_single_line


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: User) -> Self:
        return self.visible_to_id(user.pk, overseer=user.is_staff_or_admin)

    def visible_to_id(self, user_id: Any, *, overseer: bool) -> Self:
        mine = self.model._default_manager.filter(memberships__user=user_id).values("pk")
        if overseer:
            return self.filter(Q(is_inbox=False) | Q(pk__in=mine))
        return self.filter(pk__in=mine)

    def current(self) -> Self:
        return self.filter(archived_at=None)


PROJECT_KEY_VALIDATOR = RegexValidator(
    r"\A[A-Z][A-Z0-9]{1,9}\Z", "A key is 2 to 10 capital letters and digits, and begins with a letter."
)
COLOUR_VALIDATOR = RegexValidator(r"\A#[0-9a-f]{6}\Z", "A colour is written like #3d52d5.")


class Category(models.TextChoices):
    """What a status means for the numbers."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"


class Role(models.TextChoices):
    """What a member may do in a project; each may do what those before may."""

    VIEWER = "viewer"
    COMMENTER = "commenter"
    EDITOR = "editor"
    ADMIN = "admin"


class Project(models.Model):
    """A body of work with members. `next_number` is what its next task will be called."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=10, unique=True, validators=[PROJECT_KEY_VALIDATOR])
    name = models.CharField(max_length=120, validators=[validate_single_line])
    description = models.TextField(blank=True, default="", max_length=20_000)
    is_inbox = models.BooleanField(default=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_projects")
    members: models.ManyToManyField[Any, ProjectMember] = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="ProjectMember", related_name="projects"
    )
    next_number = models.PositiveIntegerField(default=1)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner"], condition=Q(is_inbox=True), name="a_user_has_one_inbox_project"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"


class ProjectMember(models.Model):
    """Who is in a project: everybody with a row sees it. `role` is what the person was given, none where only teams
    give one; triggers keep `effective_role`, the highest of all these, and rows for the members of teams."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="project_memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.EDITOR, null=True)
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
    """One column of a project's workflow. The category says what it means for the numbers."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="states")
    slug = models.SlugField(max_length=40)
    name = models.CharField(max_length=60, validators=[validate_single_line])
    category = models.CharField(max_length=12, choices=Category)
    position = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "slug"], name="a_state_has_its_own_slug_in_a_project"),
            models.UniqueConstraint(
                fields=["id", "project", "category"], name="a_state_can_be_referred_to_with_its_category"
            ),
            models.CheckConstraint(name="a_state_category_is_known", condition=Q(category__in=Category.values)),
        ]

    def __str__(self) -> str:
        return self.name


class Label(models.Model):
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
