from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from accounts.models import Invitation, User
from accounts.services import issue_invitation
from core.errors import Conflict
from tasks import policies, selectors
from tasks.models import ProjectInvitation, ProjectMember, Role
from tasks.services.members import add_member
from tasks.services.shared import require_current, require_manager


@transaction.atomic
def invite_to_project(*, actor: User, ref: str, email: str, role: str, now: datetime) -> Invitation:
    """Ask somebody into a project by mail, whether they are registered or not; the answer does not say which."""
    project = selectors.lock_project(actor, ref)
    require_manager(actor, project)
    require_current(project)
    if project.is_inbox:
        raise Conflict("Your own inbox is yours alone; make a project to share.", code="inbox")
    invitation = issue_invitation(actor=actor, email=email, now=now, target=project.name)
    ProjectInvitation.objects.create(invitation=invitation, project=project, role=role)
    return invitation


@transaction.atomic
def let_in(*, invitation_id: uuid.UUID) -> ProjectMember | None:
    """Make who accepted a member, if the inviter may still decide that; whoever is one already keeps their role."""
    row = ProjectInvitation.objects.filter(invitation=invitation_id, invitation__accepted_at__isnull=False)
    found = row.select_related("project", "invitation__inviter", "invitation__accepted_by").first()
    if found is None:
        return None
    inviter, guest, project = found.invitation.inviter, found.invitation.accepted_by, found.project
    may = inviter.is_active and policies.can_manage(selectors.role_in(inviter, project))
    if not may or guest is None or ProjectMember.objects.filter(project=project, user=guest).exists():
        return None
    return add_member(actor=inviter, ref=str(project.pk), role=Role(found.role), user_id=guest.pk)
