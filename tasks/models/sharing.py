"""Access besides membership: teams in projects, and single tasks shared with single users."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Team
from tasks.models.project import Project, Role
from tasks.models.task import Task


class SharedRole(models.TextChoices):
    """Role on a single shared task.

    It permits what the project role of the same name permits, except for anything that concerns more than this task.
    """

    VIEWER = Role.VIEWER.value, Role.VIEWER.label
    COMMENTER = Role.COMMENTER.value, Role.COMMENTER.label
    EDITOR = Role.EDITOR.value, Role.EDITOR.label


class ProjectTeam(models.Model):
    """A team's role in a project. Triggers give it to each of the team's members at once, as their membership."""

    # Without an index of its own, here and for `TaskShare.task`: that of the unique constraint begins with the column.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="team_roles", db_index=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="project_roles")
    role = models.CharField(max_length=10, choices=Role, default=Role.EDITOR)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "team"], name="a_team_is_in_a_project_once"),
            models.CheckConstraint(name="a_teams_role_is_known", condition=Q(role__in=Role.values)),
        ]

    def __str__(self) -> str:
        return f"{self.team_id} in {self.project_id}"


class TaskShare(models.Model):
    """One task shared with one user outside its project. A trigger copies the project."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="shares", db_index=False)
    # Copied, so that the guests of a project are found without a join.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="shares", editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="task_shares")
    role = models.CharField(max_length=10, choices=SharedRole)
    shared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="granted_shares"
    )
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "user"], name="a_task_is_shared_once_with_a_user"),
            models.CheckConstraint(name="a_shared_role_is_known", condition=Q(role__in=SharedRole.values)),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} with {self.user_id}"
