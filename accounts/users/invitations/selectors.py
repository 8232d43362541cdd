"""Questions about who is invited."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import QuerySet

from accounts.auth.one_time_tokens import hash_token
from accounts.models import Invitation, User
from core.errors import NotFound


def list_invitations(user: User) -> QuerySet[Invitation]:
    """One's own; staff sees all."""
    return Invitation.objects.visible_to(user).select_related("inviter", "team")


def get_invitation(user: User, invitation_id: uuid.UUID) -> Invitation:
    found = list_invitations(user).filter(pk=invitation_id).first()
    if found is None:
        raise NotFound("There is no such invitation.")
    return found


def find_by_token(token: str, now: datetime) -> Invitation | None:
    """The open invitation that a link from a mail names."""
    named = Invitation.objects.open(now).filter(token_hash=hash_token(token))
    return named.select_related("inviter", "team").first()
