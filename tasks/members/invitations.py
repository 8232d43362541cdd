"""Invitations into a project by email."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext

from accounts.models import Invitation, User
from accounts.users.invitations import services as invitations
from core.errors import Conflict
from tasks import policies
from tasks.members import services
from tasks.models import ProjectInvitation, ProjectMember, Role
from tasks.projects import selectors as projects_selectors


@transaction.atomic
def invite(*, actor: User, ref: str, email: str, role: str, now: datetime) -> Invitation:
    """Invite an address into a project; the result does not tell whether it is registered.

    Raises NotFound, NotAllowed, Conflict.
    """
    project = projects_selectors.lock_project(actor, ref)
    policies.require_manager(projects_selectors.project_role(actor, project))
    policies.require_not_archived(project)
    if project.is_inbox:
        raise Conflict(gettext("Your personal project is only yours. Create another project to share."), code="inbox")
    invitation = invitations.create_invitation(actor=actor, email=email, now=now, target=project.name)
    ProjectInvitation.objects.create(invitation=invitation, project=project, role=role)
    return invitation


@transaction.atomic
def accept_invitation(*, invitation_id: uuid.UUID) -> ProjectMember | None:
    """Make the accepting user a member, if the inviter may still add members; a member keeps their role."""
    accepted = ProjectInvitation.objects.filter(invitation=invitation_id, invitation__accepted_at__isnull=False)
    related = accepted.select_related("project", "invitation__inviter", "invitation__accepted_by")
    project_invitation = related.first()
    if project_invitation is None:
        return None
    project, invitation = project_invitation.project, project_invitation.invitation
    inviter, user = invitation.inviter, invitation.accepted_by
    # The inviter may have left or been demoted since; an invitation gives no more than they could now.
    may_invite = inviter.is_active and policies.can_manage(projects_selectors.project_role(inviter, project))
    if not may_invite or user is None or ProjectMember.objects.filter(project=project, user=user).exists():
        return None
    # In the name of the inviter: the invitation is their act, and the log says so.
    return services.add(actor=inviter, ref=str(project.pk), role=Role(project_invitation.role), user_id=user.pk)
