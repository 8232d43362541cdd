from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from accounts.models import Invitation, User
from accounts.users.invitations import services as invitations
from core.errors import Conflict
from tasks import policies
from tasks.members import services
from tasks.models import ProjectInvitation, ProjectMember, Role
from tasks.permissions import require_manager, require_not_archived
from tasks.projects import selectors as projects_selectors


@transaction.atomic
def invite(*, actor: User, ref: str, email: str, role: str, now: datetime) -> Invitation:
    """Ask somebody into a project by mail, whether they are registered or not; the answer does not say which."""
    project = projects_selectors.lock_project(actor, ref)
    require_manager(actor, project)
    require_not_archived(project)
    if project.is_inbox:
        raise Conflict("Your own inbox is yours alone; make a project to share.", code="inbox")
    invitation = invitations.create_invitation(actor=actor, email=email, now=now, target=project.name)
    ProjectInvitation.objects.create(invitation=invitation, project=project, role=role)
    return invitation


@transaction.atomic
def accept_invitation(*, invitation_id: uuid.UUID) -> ProjectMember | None:
    """Make who accepted a member, if the inviter may still decide that; whoever is one already keeps their role."""
    row = ProjectInvitation.objects.filter(invitation=invitation_id, invitation__accepted_at__isnull=False)
    found = row.select_related("project", "invitation__inviter", "invitation__accepted_by").first()
    if found is None:
        return None
    inviter, guest, project = found.invitation.inviter, found.invitation.accepted_by, found.project
    may = inviter.is_active and policies.can_manage(projects_selectors.project_role(inviter, project))
    if not may or guest is None or ProjectMember.objects.filter(project=project, user=guest).exists():
        return None
    return services.add(actor=inviter, ref=str(project.pk), role=Role(found.role), user_id=guest.pk)
