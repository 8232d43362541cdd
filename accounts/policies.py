"""Permissions on users, teams, invitations and API keys."""

from __future__ import annotations

from accounts.models import Invitation, TeamMember, User
from core.errors import require


def can_lead_team(user: User, membership: TeamMember | None) -> bool:
    """Return whether the user may change the team; `membership` is their own in it, if any."""
    return user.is_admin or (membership is not None and membership.role == TeamMember.Role.LEAD)


def can_invite(user: User) -> bool:
    """Return whether the user may invite to the instance; team leads and project admins invite to their own."""
    return user.is_staff_or_admin


def can_revoke_invitation(user: User, invitation: Invitation) -> bool:
    return user.is_admin or invitation.inviter_id == user.pk


def can_see_directory(user: User) -> bool:
    return user.is_staff_or_admin


def can_manage_users(user: User) -> bool:
    """Return whether the user may manage other users and service accounts."""
    return user.is_admin and user.is_active


def can_manage_keys(user: User, owner: User) -> bool:
    """Return whether the user may create keys for the owner.

    A key acts in its owner's name, so administrators may do this for service accounts but never for people.
    """
    return user.pk == owner.pk or (user.is_admin and owner.is_service)


def require_manager(user: User) -> None:
    """Raise NotAllowed unless the user may manage users."""
    require(can_manage_users(user), "Only administrators can do this.")
