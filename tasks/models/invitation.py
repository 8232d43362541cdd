from __future__ import annotations

from django.db import models

from accounts.models import Invitation
from tasks.models.project import Project, Role


class ProjectInvitation(models.Model):
    """Role in a project that accepting an invitation leads to."""

    invitation = models.OneToOneField(
        Invitation, on_delete=models.CASCADE, primary_key=True, related_name="project_invitation"
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=Role, default=Role.EDITOR)

    class Meta:
        constraints = [
            models.CheckConstraint(name="an_invited_role_is_known", condition=models.Q(role__in=Role.values)),
        ]

    def __str__(self) -> str:
        return f"{self.invitation_id} to {self.project_id}"
