"""Queries for invitations."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import QuerySet

from accounts.auth.one_time_tokens import hash_token
from accounts.models import Invitation, User
from core.errors import NotFound


def list_invitations(user: User) -> QuerySet[Invitation]:
    """Return the user's own invitations; all of them for staff."""
    return Invitation.objects.visible_to(user).select_related("inviter", "team")


def get_invitation(user: User, invitation_id: uuid.UUID) -> Invitation:
    """Return an invitation visible to the user. Raises NotFound."""
    invitation = list_invitations(user).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound("There is no such invitation.")
    return invitation


def find_by_token(token: str, now: datetime) -> Invitation | None:
    """Return the open invitation with this token from an email link, or None."""
    matching = Invitation.objects.open(now).filter(token_hash=hash_token(token))
    return matching.select_related("inviter", "team").first()
