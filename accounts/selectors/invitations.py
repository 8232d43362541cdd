"""Questions about who is invited."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import QuerySet

from accounts.links import hash_of
from accounts.models import Invitation, User
from core.errors import NotFound


def invitations(user: User) -> QuerySet[Invitation]:
    """One's own; staff sees all."""
    return Invitation.objects.visible_to(user).select_related("inviter", "team")


def get_invitation(user: User, invitation_id: uuid.UUID) -> Invitation:
    found = invitations(user).filter(pk=invitation_id).first()
    if found is None:
        raise NotFound("There is no such invitation.")
    return found


def find_invitation(token: str, now: datetime) -> Invitation | None:
    """The open invitation that a link from a mail names."""
    named = Invitation.objects.open(now).filter(secret_hash=hash_of(token))
    return named.select_related("inviter", "team").first()
