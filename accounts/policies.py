"""Who may do what to people and teams."""

from __future__ import annotations

from accounts.models import Invitation, TeamMember, User
from core.errors import NotAllowed


def can_lead_team(user: User, membership: TeamMember | None) -> bool:
    return user.is_admin or (membership is not None and membership.role == TeamMember.Role.LEAD)


def can_invite(user: User) -> bool:
    """Into the instance; leads and project admins invite into what is theirs."""
    return user.is_overseer


def can_revoke_invitation(user: User, invitation: Invitation) -> bool:
    return user.is_admin or invitation.inviter_id == user.pk


def can_see_directory(user: User) -> bool:
    return user.is_overseer


def can_manage_people(user: User) -> bool:
    """And the accounts of programs."""
    return user.is_admin and user.is_active


def can_manage_keys(user: User, owner: User) -> bool:
    """To make a key is to act in its owner's name, which nobody may do for another person."""
    return user.pk == owner.pk or (user.is_admin and owner.is_service)


def require_manager(user: User) -> None:
    require(can_manage_people(user), "Only administrators may do this.")


def require(allowed: bool, refusal: str) -> None:
    if not allowed:
        raise NotAllowed(refusal)
