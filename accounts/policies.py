"""Who may do what to people and teams."""

from __future__ import annotations

from accounts.models import TeamMember, User
from core.errors import NotAllowed


def can_lead_team(user: User, membership: TeamMember | None) -> bool:
    return user.is_admin or (membership is not None and membership.role == TeamMember.Role.LEAD)


def require(allowed: bool, refusal: str) -> None:
    if not allowed:
        raise NotAllowed(refusal)
