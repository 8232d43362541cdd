from __future__ import annotations

import uuid

from django.utils import timezone

from events.models import Event
from tasks.members import invitations, teams


def accept_project_invitation(event: Event) -> None:
    """Somebody came by an invitation; if it led into a project, they are let in there."""
    invitations.accept_invitation(invitation_id=uuid.UUID(event.payload["invitation_id"]))


def unassign_former_team_members(event: Event) -> None:
    """Somebody is not in a team any more; where they are out of its projects too, their open tasks become free."""
    people = event.payload["user_ids"] if "user_ids" in event.payload else [event.payload["user_id"]]
    teams.unassign_former_members(user_ids=[uuid.UUID(key) for key in people], now=timezone.now())
